-- Who did what to whom, from where. Each entry's hash is over the hash of the one before and every
-- other column (src/domain/audit.rs says how), so that nobody changes, removes or inserts one
-- unseen. No foreign keys: an entry outlives what it tells of.
CREATE TABLE audit_entries (
    seq BIGINT NOT NULL PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    via TEXT NOT NULL,
    actor_id UUID,
    login_id UUID,
    token_id UUID,
    act TEXT COLLATE "C" NOT NULL,
    target_kind TEXT,
    target_id TEXT,
    address TEXT,
    request_id UUID,
    details TEXT NOT NULL,
    prev_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL
);

CREATE INDEX audit_entries_at ON audit_entries (at);
CREATE INDEX audit_entries_actor ON audit_entries (actor_id, seq);
CREATE INDEX audit_entries_act ON audit_entries (act, seq);
CREATE INDEX audit_entries_target ON audit_entries (target_id, seq);

-- The last entry's number and hash; whoever writes an entry updates this row first, so its lock puts
-- them in one order.
CREATE TABLE audit_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL
);

INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

-- Entries are only added. These stop mistakes; whoever owns the database can drop them, and what is
-- done then the hashes tell.
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are append-only' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
