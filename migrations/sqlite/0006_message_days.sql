-- How many messages a day (UTC) had, of days that are over: counted when somebody first asks, and
-- never again. Days are YYYY-MM-DD.
CREATE TABLE message_days (
    day TEXT NOT NULL PRIMARY KEY,
    messages INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
