-- What the database says of itself, such as its epoch: the name of its history, which a restored
-- copy does not share.
CREATE TABLE store_state (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
