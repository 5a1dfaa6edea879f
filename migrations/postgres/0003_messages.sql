-- last_seq and last_rev number what happens in a room; whoever writes there updates this row first,
-- so its lock puts the writers of a room in one order. kind has no CHECK: SQLite can change one only by
-- writing the whole table anew.
-- The row changes with every batch: the free half of each page keeps its new versions there.
CREATE TABLE chat_rooms (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    topic TEXT,
    kind TEXT NOT NULL DEFAULT 'open',
    last_seq BIGINT NOT NULL DEFAULT 0,
    last_rev BIGINT NOT NULL DEFAULT 0,
    last_message_at TIMESTAMPTZ,
    created_by UUID REFERENCES users (id),
    created_at TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ
) WITH (fillfactor = 50);

CREATE INDEX chat_rooms_created_by ON chat_rooms (created_by, created_at);

-- A message has its place in the room (seq) from the start and keeps it for good; rev is the number
-- of its last change. content_hash is of the first content and never changes: a retry is known by
-- it even after an edit.
CREATE TABLE chat_messages (
    room_id TEXT COLLATE "C" NOT NULL REFERENCES chat_rooms (id),
    seq BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    id UUID NOT NULL,
    sender_id UUID NOT NULL REFERENCES users (id),
    client_message_id TEXT COLLATE "C",
    content TEXT NOT NULL,
    content_hash BYTEA NOT NULL,
    kind TEXT NOT NULL DEFAULT 'text',
    reply_to UUID,
    created_at TIMESTAMPTZ NOT NULL,
    edited_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ,
    PRIMARY KEY (room_id, seq)
);

CREATE UNIQUE INDEX chat_messages_id ON chat_messages (id);
CREATE INDEX chat_messages_rev ON chat_messages (room_id, rev);
CREATE UNIQUE INDEX chat_messages_client_id ON chat_messages (sender_id, client_message_id)
    WHERE client_message_id IS NOT NULL;
