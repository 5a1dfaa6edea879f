-- Programs come with tokens that do not end with a login. Only the hash of one is kept, and what it
-- was made for: names of permissions with a space between. A revoked one is deleted; the audit log
-- tells that there was one.
CREATE TABLE api_tokens (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    created_at TEXT NOT NULL,
    expires_at TEXT,
    last_used_at TEXT
) STRICT;

CREATE INDEX api_tokens_user ON api_tokens (user_id);

-- A service has an account, but no password, no address and no login: only tokens.
ALTER TABLE users ADD COLUMN kind TEXT NOT NULL DEFAULT 'person'
    CHECK (kind IN ('person', 'service'));
