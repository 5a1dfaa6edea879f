-- Work that is promised in a transaction and done after it, mails above all: the row is written with
-- the act that asks for it, and a worker takes it when it is its turn. A job that is done is deleted.
-- A running one has the claim of its worker, and run_at is when that worker is thought dead. A dead
-- one waits for an admin.
CREATE TABLE jobs (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id BLOB REFERENCES users (id),
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'dead')),
    attempts INTEGER NOT NULL,
    run_at TEXT NOT NULL,
    claim BLOB,
    last_error TEXT,
    created_at TEXT NOT NULL
) STRICT;

CREATE INDEX jobs_due ON jobs (run_at) WHERE state <> 'dead';
CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';
CREATE INDEX jobs_user ON jobs (user_id);
