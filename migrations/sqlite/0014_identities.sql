-- Who somebody is to others whom this server believes: an issuer and its own name for the person,
-- which never changes. Not the provider's name here: an operator may give that to another issuer.
CREATE TABLE identities (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    provider TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT,
    created_at TEXT NOT NULL,
    last_used_at TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX identities_subject ON identities (issuer, subject);
CREATE INDEX identities_user ON identities (user_id);

-- Sign-ins that were sent to a provider and have not come back. Of the state and of the browser's
-- cookie only the SHA-256 is kept. With a login it is that one's owner who asks for the link.
CREATE TABLE oauth_states (
    hash BLOB NOT NULL PRIMARY KEY,
    browser BLOB NOT NULL,
    provider TEXT NOT NULL,
    verifier TEXT NOT NULL,
    nonce TEXT NOT NULL,
    return_to TEXT,
    login_id BLOB,
    expires_at TEXT NOT NULL
) STRICT;

CREATE INDEX oauth_states_expiry ON oauth_states (expires_at);

-- What a browser that has come back exchanges for its login: the SHA-256 of a code, for a minute.
CREATE TABLE oauth_codes (
    hash BLOB NOT NULL PRIMARY KEY,
    browser BLOB NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    provider TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;

CREATE INDEX oauth_codes_expiry ON oauth_codes (expires_at);
