-- last_seq and last_rev number what happens in a room; whoever writes there updates this row first,
-- so its lock puts the writers of a room in one order. kind has no CHECK: SQLite can change one only by
-- writing the whole table anew.
CREATE TABLE chat_rooms (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    topic TEXT,
    kind TEXT NOT NULL DEFAULT 'open',
    last_seq INTEGER NOT NULL DEFAULT 0,
    last_rev INTEGER NOT NULL DEFAULT 0,
    last_message_at TEXT,
    created_by BLOB REFERENCES users (id),
    created_at TEXT NOT NULL,
    archived_at TEXT
) STRICT;

CREATE INDEX chat_rooms_created_by ON chat_rooms (created_by, created_at);

-- A message has its place in the room (seq) from the start and keeps it for good; rev is the number
-- of its last change. content_hash is of the first content and never changes: a retry is known by
-- it even after an edit.
-- Not WITHOUT ROWID: a content may have 16,000 bytes, which a clustered tree carries in its inner
-- pages, and new rows of every room go to the end of one tree.
CREATE TABLE chat_messages (
    room_id TEXT NOT NULL REFERENCES chat_rooms (id),
    seq INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    id BLOB NOT NULL,
    sender_id BLOB NOT NULL REFERENCES users (id),
    client_message_id TEXT,
    content TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    kind TEXT NOT NULL DEFAULT 'text',
    reply_to BLOB,
    created_at TEXT NOT NULL,
    edited_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (room_id, seq)
) STRICT;

CREATE UNIQUE INDEX chat_messages_id ON chat_messages (id);
CREATE INDEX chat_messages_rev ON chat_messages (room_id, rev);
CREATE UNIQUE INDEX chat_messages_client_id ON chat_messages (sender_id, client_message_id)
    WHERE client_message_id IS NOT NULL;
