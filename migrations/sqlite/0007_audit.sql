-- Who did what to whom, from where. Each entry's hash is over the hash of the one before and every
-- other column (src/domain/audit.rs says how), so that nobody changes, removes or inserts one
-- unseen. No foreign keys: an entry outlives what it tells of.
CREATE TABLE audit_entries (
    seq INTEGER NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    via TEXT NOT NULL,
    actor_id BLOB,
    login_id BLOB,
    token_id BLOB,
    act TEXT NOT NULL,
    target_kind TEXT,
    target_id TEXT,
    address TEXT,
    request_id BLOB,
    details TEXT NOT NULL,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE INDEX audit_entries_at ON audit_entries (at);
CREATE INDEX audit_entries_actor ON audit_entries (actor_id, seq);
CREATE INDEX audit_entries_act ON audit_entries (act, seq);
CREATE INDEX audit_entries_target ON audit_entries (target_id, seq);

-- The last entry's number and hash; whoever writes an entry updates this row first.
CREATE TABLE audit_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, zeroblob(32));

-- Entries are only added. These stop mistakes; whoever owns the database can drop them, and what is
-- done then the hashes tell.
CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'audit entries are append-only');
END;

CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'audit entries are append-only');
END;

-- INSERT OR REPLACE deletes without the trigger above.
CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries
WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM audit_entries)
BEGIN
    SELECT RAISE(ABORT, 'audit entries are append-only');
END;

CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
BEGIN
    SELECT RAISE(ABORT, 'the head of the audit log stays');
END;
