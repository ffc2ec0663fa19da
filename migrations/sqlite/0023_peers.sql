-- Other nodes, as operators state them over the API (gateway/access/src/peers.rs). Times are microseconds since the Unix epoch.

-- Each statement and each withdrawal is a version of its own; the last one holds. `ordinal` grows with each, by which processes see that
-- something changed.
CREATE TABLE peer_version (
    ordinal INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    -- JSON of schemas::peer::PeerStatement; NULL: withdrawn.
    statement TEXT,
    stated_at INTEGER NOT NULL,
    stated_by TEXT NOT NULL,
    -- Of a statement, which takes two.
    proposed_by TEXT,
    UNIQUE (name, version),
    CHECK ((statement IS NULL) = (proposed_by IS NULL))
) STRICT;

CREATE TRIGGER peer_version_no_update BEFORE UPDATE ON peer_version
BEGIN
    SELECT RAISE(ABORT, 'what was stated of a peer: never changed');
END;

CREATE TRIGGER peer_version_no_delete BEFORE DELETE ON peer_version
BEGIN
    SELECT RAISE(ABORT, 'what was stated of a peer: never deleted');
END;

-- The login certificates of the last versions: each is one peer's.
CREATE TABLE peer_login (
    certificate BLOB NOT NULL PRIMARY KEY CHECK (length(certificate) = 32),
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX peer_login_name ON peer_login (name);

-- When evidence of a peer came last.
CREATE INDEX peer_evidence_peer ON peer_evidence (peer, ordinal);
