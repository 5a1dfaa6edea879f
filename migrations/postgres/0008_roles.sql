-- Roles are rows: three that are always there, and those that admins make. What a role allows stands
-- in role_permissions; the names are the program's. An admin has every permission without a row, so
-- that no change of rows can lock everybody out.
CREATE TABLE roles (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    about TEXT NOT NULL,
    builtin BOOLEAN NOT NULL,
    requires_two_factor BOOLEAN NOT NULL
);

CREATE TABLE role_permissions (
    role TEXT COLLATE "C" NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (role, permission)
);

INSERT INTO roles (name, about, builtin, requires_two_factor) VALUES
    ('client', 'Talks.', TRUE, FALSE),
    ('trainer', 'Talks, and sees the statistics.', TRUE, FALSE),
    ('admin', 'May do everything.', TRUE, FALSE);

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

-- The CHECK knew three words.
ALTER TABLE users DROP CONSTRAINT users_role_check;
ALTER TABLE users ADD CONSTRAINT users_role_fkey FOREIGN KEY (role) REFERENCES roles (name);
CREATE INDEX users_role ON users (role);

-- A change of a role concerns all who have it: one row tells it, which names the role and nobody.
ALTER TABLE auth_changes ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE auth_changes ADD COLUMN role TEXT COLLATE "C";
ALTER TABLE auth_changes ADD CONSTRAINT auth_changes_whom
    CHECK ((user_id IS NULL) <> (role IS NULL));
