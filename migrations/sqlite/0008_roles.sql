-- Roles are rows: three that are always there, and those that admins make. What a role allows stands
-- in role_permissions; the names are the program's. An admin has every permission without a row, so
-- that no change of rows can lock everybody out.
CREATE TABLE roles (
    name TEXT NOT NULL PRIMARY KEY,
    about TEXT NOT NULL,
    builtin INTEGER NOT NULL CHECK (builtin IN (0, 1)),
    requires_two_factor INTEGER NOT NULL CHECK (requires_two_factor IN (0, 1))
) STRICT;

CREATE TABLE role_permissions (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    PRIMARY KEY (role, permission)
) STRICT, WITHOUT ROWID;

INSERT INTO roles (name, about, builtin, requires_two_factor) VALUES
    ('client', 'Talks.', 1, 0),
    ('trainer', 'Talks, and sees the statistics.', 1, 0),
    ('admin', 'May do everything.', 1, 0);

INSERT INTO role_permissions (role, permission) VALUES
    ('client', 'users.read'),
    ('client', 'rooms.create'),
    ('client', 'messages.read'),
    ('client', 'messages.send'),
    ('trainer', 'users.read'),
    ('trainer', 'rooms.create'),
    ('trainer', 'messages.read'),
    ('trainer', 'messages.send'),
    ('trainer', 'statistics.read');

-- The column's CHECK knew three words and goes with its column. SQLite lets a column that refers to
-- another table come in empty only, so this one has no NOT NULL.
DROP INDEX users_admins;
ALTER TABLE users ADD COLUMN role_name TEXT REFERENCES roles (name);
UPDATE users SET role_name = role;
ALTER TABLE users DROP COLUMN role;
ALTER TABLE users RENAME COLUMN role_name TO role;
CREATE INDEX users_admins ON users (id) WHERE role = 'admin' AND active;
CREATE INDEX users_role ON users (role);

-- A change of a role concerns all who have it: one row tells it, which names the role and nobody.
CREATE TABLE new_auth_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id BLOB REFERENCES users (id),
    login_id BLOB,
    role TEXT,
    at TEXT NOT NULL,
    CHECK ((user_id IS NULL) <> (role IS NULL))
) STRICT;

INSERT INTO new_auth_changes (id, user_id, login_id, at)
    SELECT id, user_id, login_id, at FROM auth_changes;
DROP TABLE auth_changes;
ALTER TABLE new_auth_changes RENAME TO auth_changes;
CREATE INDEX auth_changes_at ON auth_changes (at);
