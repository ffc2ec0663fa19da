-- What was fetched from outside (gateway/storage/src/fetched.rs): a cache, which may be emptied at any time.
-- Times are microseconds since the Unix epoch. Without content: an object under fetched/<sha256>.
CREATE TABLE fetched (
    kind TEXT NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    fetched_at INTEGER NOT NULL,
    fresh_until INTEGER NOT NULL,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    content BLOB,
    PRIMARY KEY (kind, key)
) STRICT;

CREATE INDEX fetched_stale ON fetched (fresh_until);

-- Holds all that making room asks for.
CREATE INDEX fetched_age ON fetched (fetched_at, size);

CREATE INDEX fetched_object ON fetched (sha256) WHERE content IS NULL;
