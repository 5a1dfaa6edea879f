-- Names and addresses are kept as written; the key columns hold them folded, because they are unique
-- whatever their case and SQLite's lower() knows ASCII only. A deleted user stays as a tombstone
-- without keys: the messages keep their sender, and name and address are free again.
-- The key columns sort by code point, as they do in SQLite, whatever the server's language.
CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT COLLATE "C",
    email TEXT,
    email_key TEXT COLLATE "C",
    email_verified_at TIMESTAMPTZ,
    full_name TEXT NOT NULL,
    full_name_key TEXT COLLATE "C" NOT NULL,
    phone_number TEXT,
    password_hash TEXT,
    bio TEXT,
    avatar_url TEXT,
    role TEXT NOT NULL CHECK (role IN ('client', 'trainer', 'admin')),
    active BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ
);

CREATE UNIQUE INDEX users_username_key ON users (username_key);
CREATE UNIQUE INDEX users_email_key ON users (email_key);
CREATE INDEX users_admins ON users (id) WHERE role = 'admin' AND active;
