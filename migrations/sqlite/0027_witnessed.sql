-- What others vouch for of the log (gateway/audit/src/quorum.rs, gateway/audit/src/anchors.rs). Times are microseconds since the Unix epoch.

-- The head that a quorum of witnesses cosigned. note: with the lines of log and witnesses; cosignatures: how many.
CREATE TABLE log_witnessed (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL CHECK (size >= 0),
    cosignatures INTEGER NOT NULL,
    note TEXT
) STRICT;

INSERT INTO log_witnessed (id, size, cosignatures, note) VALUES (1, 0, 0, NULL);

CREATE TRIGGER log_witnessed_forward BEFORE UPDATE ON log_witnessed
WHEN NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.cosignatures < OLD.cosignatures)
BEGIN
    SELECT RAISE(ABORT, 'log_witnessed: only forward');
END;

CREATE TRIGGER log_witnessed_stays BEFORE DELETE ON log_witnessed
BEGIN
    SELECT RAISE(ABORT, 'log_witnessed: stays');
END;

-- Time-stamps over checkpoints: of which size, the digest of the token that lies among the objects, and the event that logged it.
CREATE TABLE log_anchors (
    size INTEGER NOT NULL PRIMARY KEY CHECK (size > 0),
    token_sha256 BLOB NOT NULL CHECK (length(token_sha256) = 32),
    at INTEGER NOT NULL,
    event_id BLOB NOT NULL UNIQUE CHECK (length(event_id) = 16)
) STRICT;

CREATE TRIGGER log_anchors_no_update BEFORE UPDATE ON log_anchors
BEGIN
    SELECT RAISE(ABORT, 'log_anchors: an anchor is never changed');
END;

CREATE TRIGGER log_anchors_no_delete BEFORE DELETE ON log_anchors
BEGIN
    SELECT RAISE(ABORT, 'log_anchors: an anchor is never deleted');
END;

-- Which alarms are raised, so that each change is logged once whichever process sees it.
CREATE TABLE log_alarms (
    name TEXT NOT NULL PRIMARY KEY,
    raised INTEGER NOT NULL CHECK (raised IN (0, 1)),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO log_alarms (name, raised, at) VALUES ('witness', 0, 0), ('anchor', 0, 0);
