-- Deferred work (gateway/storage/src/jobs.rs). A job is due when available_at has come; a lease pushes available_at to
-- its own end, so that one index serves both the waiting and the abandoned.
CREATE TABLE jobs (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    subject BLOB NOT NULL,
    available_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease_token BLOB CHECK (length(lease_token) = 16)
) STRICT;

CREATE INDEX jobs_due ON jobs (kind, available_at);
