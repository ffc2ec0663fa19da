-- What the log says, to be searched (gateway/audit/src/index.rs). All of it is made from audit_seq and audit_payload and can be
-- dropped and made again; nothing here is believed by anybody who checks an answer.

CREATE TABLE audit_index (
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 0),
    at INTEGER NOT NULL,
    -- The latest time of this entry and all before it: never less than that of the row before, so that a time leads to a number.
    high INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_index_time ON audit_index (high, seq);

-- One row for each thing that an entry is found by. kind: index/term.rs. from_details: it stands in the details only, and goes with them.
CREATE TABLE audit_index_term (
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    seq INTEGER NOT NULL,
    from_details INTEGER NOT NULL CHECK (from_details IN (0, 1)),
    PRIMARY KEY (kind, value, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_index_erasable ON audit_index_term (seq) WHERE from_details = 1;

-- The next entry to be indexed. epoch: counts how often the index was dropped, so that a batch that was read before that writes nothing after it.
CREATE TABLE audit_index_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    next_seq INTEGER NOT NULL,
    high INTEGER NOT NULL,
    epoch INTEGER NOT NULL
) STRICT;

INSERT INTO audit_index_head (id, next_seq, high, epoch) VALUES (1, 0, -9223372036854775808, 0);

-- What is erased leaves the index too, whoever erases it.
CREATE TRIGGER audit_payload_erased AFTER DELETE ON audit_payload
BEGIN
    DELETE FROM audit_index_term WHERE from_details = 1
        AND seq = (SELECT seq FROM audit_seq WHERE event_id = OLD.event_id);
END;

CREATE TRIGGER audit_sealed_erased AFTER DELETE ON audit_sealed
BEGIN
    DELETE FROM audit_index_term WHERE from_details = 1
        AND seq = (SELECT seq FROM audit_seq WHERE event_id = OLD.event_id);
END;

-- Alerts (gateway/audit/src/alert.rs), each raised once for its cause: the rule, and the entry that fulfilled it.
CREATE TABLE alert (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,
    cause INTEGER NOT NULL,
    cause_at INTEGER NOT NULL,
    raised_at INTEGER NOT NULL,
    -- The alert as it is shown and delivered, JSON.
    alert TEXT NOT NULL,
    seen_at INTEGER,
    seen_by TEXT,
    remark TEXT,
    UNIQUE (rule, subject, cause)
) STRICT, WITHOUT ROWID;

CREATE INDEX alert_of ON alert (rule, subject, cause_at);
CREATE INDEX alert_unseen ON alert (id) WHERE seen_at IS NULL;

-- Where each alert was delivered, by the kind of receiver.
CREATE TABLE alert_delivery (
    alert_id BLOB NOT NULL REFERENCES alert (id),
    receiver TEXT NOT NULL,
    delivered_at INTEGER NOT NULL,
    PRIMARY KEY (alert_id, receiver)
) STRICT, WITHOUT ROWID;

-- The next entry that detectors look at. What was logged before there were detectors raises nothing.
CREATE TABLE alert_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    next_seq INTEGER NOT NULL
) STRICT;

INSERT INTO alert_head (id, next_seq) SELECT 1, next_seq FROM seq_head WHERE id = 1;
