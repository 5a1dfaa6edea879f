-- Authenticator apps. A secret is encrypted with a key that is not in the database; it is pending
-- until a code of it was shown. last_step is that of the last code that counted (no code counts
-- twice); tries and next_try_at slow down whoever guesses.
CREATE TABLE totp (
    user_id UUID NOT NULL PRIMARY KEY REFERENCES users (id),
    secret BYTEA,
    confirmed_at TIMESTAMPTZ,
    last_step BIGINT NOT NULL DEFAULT 0,
    tries BIGINT NOT NULL DEFAULT 0,
    next_try_at TIMESTAMPTZ,
    pending BYTEA,
    pending_until TIMESTAMPTZ
);

-- The codes that are left: one that was used is gone. Only hashes are kept.
CREATE TABLE recovery_codes (
    user_id UUID NOT NULL REFERENCES users (id),
    hash BYTEA NOT NULL,
    PRIMARY KEY (user_id, hash)
);

-- Somebody proved a first factor and owes the second; a ticket that was used is gone. With enrolls
-- he has none yet, and pending is the secret that he was shown.
CREATE TABLE sign_in_tickets (
    hash BYTEA NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    enrolls BOOLEAN NOT NULL,
    pending BYTEA,
    attempts BIGINT NOT NULL DEFAULT 0,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX sign_in_tickets_user ON sign_in_tickets (user_id);
CREATE INDEX sign_in_tickets_expiry ON sign_in_tickets (expires_at);
