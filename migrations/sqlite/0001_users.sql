-- Names and addresses are kept as written; the key columns hold them folded, because they are unique
-- whatever their case and lower() knows ASCII only. A deleted user stays as a tombstone without
-- keys: the messages keep their sender, and name and address are free again.
-- Ids are UUIDs as 16 bytes, times RFC 3339 in UTC with up to six digits, which sort as text.
CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT,
    email TEXT,
    email_key TEXT,
    email_verified_at TEXT,
    full_name TEXT NOT NULL,
    full_name_key TEXT NOT NULL,
    phone_number TEXT,
    password_hash TEXT,
    bio TEXT,
    avatar_url TEXT,
    role TEXT NOT NULL CHECK (role IN ('client', 'trainer', 'admin')),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT
) STRICT;

CREATE UNIQUE INDEX users_username_key ON users (username_key);
CREATE UNIQUE INDEX users_email_key ON users (email_key);
CREATE INDEX users_admins ON users (id) WHERE role = 'admin' AND active;
