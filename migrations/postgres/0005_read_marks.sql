-- How far a user has read in a room: everything up to seq. Who has no row here has read what was
-- said before the account was made, and nothing since.
-- A row changes with everything that is read: the free part of each page keeps its new versions.
CREATE TABLE read_marks (
    user_id UUID NOT NULL REFERENCES users (id),
    room_id TEXT COLLATE "C" NOT NULL REFERENCES chat_rooms (id),
    seq BIGINT NOT NULL,
    PRIMARY KEY (user_id, room_id)
) WITH (fillfactor = 70);
