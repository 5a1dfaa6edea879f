-- Authenticator apps. A secret is encrypted with a key that is not in the database; it is pending
-- until a code of it was shown. last_step is that of the last code that counted (no code counts
-- twice); tries and next_try_at slow down whoever guesses.
CREATE TABLE totp (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id),
    secret BLOB,
    confirmed_at TEXT,
    last_step INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    next_try_at TEXT,
    pending BLOB,
    pending_until TEXT
) STRICT;

-- The codes that are left: one that was used is gone. Only hashes are kept.
CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL REFERENCES users (id),
    hash BLOB NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT;

-- Somebody proved a first factor and owes the second; a ticket that was used is gone. With enrolls
-- he has none yet, and pending is the secret that he was shown.
CREATE TABLE sign_in_tickets (
    hash BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    enrolls INTEGER NOT NULL CHECK (enrolls IN (0, 1)),
    pending BLOB,
    attempts INTEGER NOT NULL DEFAULT 0,
    expires_at TEXT NOT NULL
) STRICT;

CREATE INDEX sign_in_tickets_user ON sign_in_tickets (user_id);
CREATE INDEX sign_in_tickets_expiry ON sign_in_tickets (expires_at);
