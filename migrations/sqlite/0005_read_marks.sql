-- How far a user has read in a room: everything up to seq. Who has no row here has read what was
-- said before the account was made, and nothing since.
CREATE TABLE read_marks (
    user_id BLOB NOT NULL REFERENCES users (id),
    room_id TEXT NOT NULL REFERENCES chat_rooms (id),
    seq INTEGER NOT NULL,
    PRIMARY KEY (user_id, room_id)
) STRICT, WITHOUT ROWID;
