-- A login lives from password to logout; its id is the token's sid. Its refresh tokens form a
-- family: each names the one it was exchanged for, and only their hashes are kept.
CREATE TABLE logins (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    device TEXT,
    address TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ
);

CREATE INDEX logins_open ON logins (user_id) WHERE ended_at IS NULL;

CREATE TABLE refresh_tokens (
    hash BYTEA NOT NULL PRIMARY KEY,
    login_id UUID NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    parent BYTEA,
    created_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX refresh_tokens_login ON refresh_tokens (login_id);
CREATE INDEX refresh_tokens_parent ON refresh_tokens (parent);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- What another process did to somebody's rights: each server reads it every half second, so that a
-- change on the command line reaches sockets that are open elsewhere. Without a login_id it
-- concerns everything of the user.
CREATE TABLE auth_changes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    login_id UUID,
    at TIMESTAMPTZ NOT NULL
);

CREATE INDEX auth_changes_at ON auth_changes (at);
