-- Passkeys. The credential is the authenticator's public key and counter, in webauthn-rs' JSON; its
-- id alone is unique among all users, because whoever signs in tells nothing else.
CREATE TABLE passkeys (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    credential_id BLOB NOT NULL,
    credential TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    last_used_at TEXT
) STRICT;

CREATE UNIQUE INDEX passkeys_credential ON passkeys (credential_id);
CREATE INDEX passkeys_user ON passkeys (user_id);

-- What a client was asked to sign comes back with its answer, sealed. Here is which of these were
-- answered, until they would expire anyway: strangers who begin and never finish leave nothing.
CREATE TABLE used_ceremonies (
    hash BLOB NOT NULL PRIMARY KEY,
    expires_at TEXT NOT NULL
) STRICT;

CREATE INDEX used_ceremonies_expiry ON used_ceremonies (expires_at);
