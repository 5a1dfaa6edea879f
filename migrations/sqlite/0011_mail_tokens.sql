-- The secrets in the links of mails, as hashes. A user has one of each kind, so the newest mail is
-- the one that counts; it is for the address that it was sent to, and deleted when it is used.
CREATE TABLE mail_tokens (
    user_id BLOB NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL CHECK (kind IN ('verify', 'reset')),
    hash BLOB NOT NULL,
    email_key TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (user_id, kind)
) STRICT;

CREATE UNIQUE INDEX mail_tokens_hash ON mail_tokens (hash);
CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at);

-- How many mails an address got today that nobody has verified: whose it is, is not known, and its
-- owner may never have heard of this server. The day is counted from 1970.
CREATE TABLE unverified_mails (
    email_key TEXT NOT NULL PRIMARY KEY,
    day INTEGER NOT NULL,
    sent INTEGER NOT NULL
) STRICT;
