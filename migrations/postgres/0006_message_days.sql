-- How many messages a day (UTC) had, of days that are over: counted when somebody first asks, and
-- never again.
CREATE TABLE message_days (
    day DATE NOT NULL PRIMARY KEY,
    messages BIGINT NOT NULL
);
