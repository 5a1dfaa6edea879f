-- A login lives from password to logout; its id is the token's sid. Its refresh tokens form a
-- family: each names the one it was exchanged for, and only their hashes are kept.
CREATE TABLE logins (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    device TEXT,
    address TEXT,
    created_at TEXT NOT NULL,
    last_used_at TEXT NOT NULL,
    ended_at TEXT
) STRICT;

CREATE INDEX logins_open ON logins (user_id) WHERE ended_at IS NULL;

CREATE TABLE refresh_tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    login_id BLOB NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    parent BLOB,
    created_at TEXT NOT NULL,
    used_at TEXT,
    expires_at TEXT NOT NULL
) STRICT;

CREATE INDEX refresh_tokens_login ON refresh_tokens (login_id);
CREATE INDEX refresh_tokens_parent ON refresh_tokens (parent);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- What another process did to somebody's rights: each server reads it every half second, so that a
-- change on the command line reaches sockets that are open elsewhere. Without a login_id it
-- concerns everything of the user.
CREATE TABLE auth_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id BLOB NOT NULL REFERENCES users (id),
    login_id BLOB,
    at TEXT NOT NULL
) STRICT;

CREATE INDEX auth_changes_at ON auth_changes (at);
