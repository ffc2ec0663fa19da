-- The transparency log (gateway/audit). An act writes audit_outbox and audit_payload in its own transaction; the
-- sequencer moves rows from audit_outbox to audit_seq, where they have their number for ever; the integrator carries
-- log_state along behind.
--
-- The triggers stop mistakes, not an attacker who owns the file: against that one stand the signed checkpoints.

-- id says nothing about order between writers; it only sorts a batch.
CREATE TABLE audit_outbox (
    id INTEGER NOT NULL PRIMARY KEY,
    event_id BLOB NOT NULL UNIQUE CHECK (length(event_id) = 16),
    at INTEGER NOT NULL,
    entry BLOB NOT NULL CHECK (length(entry) <= 65535)
) STRICT;

-- What the entry commits to, beside the tree, so that it can be erased.
CREATE TABLE audit_payload (
    event_id BLOB NOT NULL PRIMARY KEY CHECK (length(event_id) = 16),
    salt BLOB NOT NULL CHECK (length(salt) = 32),
    details TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_seq (
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 0),
    event_id BLOB NOT NULL UNIQUE CHECK (length(event_id) = 16),
    at INTEGER NOT NULL,
    entry BLOB NOT NULL CHECK (length(entry) <= 65535)
) STRICT;

-- The lock of the sequencer and the next number.
CREATE TABLE seq_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    next_seq INTEGER NOT NULL,
    epoch INTEGER NOT NULL
) STRICT;

INSERT INTO seq_head (id, next_seq, epoch) VALUES (1, 0, 0);

-- The committed tree and the published one behind it. root: of the empty tree, SHA-256 of nothing.
CREATE TABLE log_state (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    root BLOB NOT NULL CHECK (length(root) = 32),
    checkpoint TEXT,
    epoch INTEGER NOT NULL,
    published_size INTEGER NOT NULL,
    published TEXT
) STRICT;

INSERT INTO log_state (id, size, root, checkpoint, epoch, published_size, published)
VALUES (1, 0, x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL);

CREATE TRIGGER audit_seq_no_update BEFORE UPDATE ON audit_seq
BEGIN
    SELECT RAISE(ABORT, 'audit_seq: a numbered row is never changed');
END;

CREATE TRIGGER audit_seq_no_delete BEFORE DELETE ON audit_seq
BEGIN
    SELECT RAISE(ABORT, 'audit_seq: a numbered row is never deleted');
END;

CREATE TRIGGER audit_outbox_no_update BEFORE UPDATE ON audit_outbox
BEGIN
    SELECT RAISE(ABORT, 'audit_outbox: a recorded row is never changed');
END;

CREATE TRIGGER audit_outbox_no_loss BEFORE DELETE ON audit_outbox
WHEN NOT EXISTS (SELECT 1 FROM audit_seq WHERE event_id = OLD.event_id AND entry = OLD.entry)
BEGIN
    SELECT RAISE(ABORT, 'audit_outbox: a row leaves only when it is numbered');
END;

CREATE TRIGGER seq_head_forward BEFORE UPDATE ON seq_head
WHEN NEW.next_seq < OLD.next_seq OR NEW.epoch < OLD.epoch
BEGIN
    SELECT RAISE(ABORT, 'seq_head: only forward');
END;

CREATE TRIGGER seq_head_stays BEFORE DELETE ON seq_head
BEGIN
    SELECT RAISE(ABORT, 'seq_head: stays');
END;

CREATE TRIGGER log_state_forward BEFORE UPDATE ON log_state
WHEN NEW.size < OLD.size OR NEW.epoch < OLD.epoch OR NEW.published_size < OLD.published_size
BEGIN
    SELECT RAISE(ABORT, 'log_state: only forward');
END;

CREATE TRIGGER log_state_stays BEFORE DELETE ON log_state
BEGIN
    SELECT RAISE(ABORT, 'log_state: stays');
END;
