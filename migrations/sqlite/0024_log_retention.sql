-- Below which number the log keeps no entries any more (C2SP tlog-tiles: the minimum index), by a written policy. Numbered rows go below it and nowhere
-- else; hashes that later proofs need stay.

CREATE TABLE log_retention (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    minimum INTEGER NOT NULL CHECK (minimum >= 0 AND minimum % 256 = 0)
) STRICT;

INSERT INTO log_retention (id, minimum) VALUES (1, 0);

CREATE TRIGGER log_retention_forward BEFORE UPDATE ON log_retention
WHEN NEW.minimum < OLD.minimum OR NEW.minimum > (SELECT published_size FROM log_state WHERE id = 1)
BEGIN
    SELECT RAISE(ABORT, 'log_retention: forward, and over what is published');
END;

CREATE TRIGGER log_retention_stays BEFORE DELETE ON log_retention
BEGIN
    SELECT RAISE(ABORT, 'log_retention: stays');
END;

DROP TRIGGER audit_seq_no_delete;

CREATE TRIGGER audit_seq_no_delete BEFORE DELETE ON audit_seq
WHEN OLD.seq >= (SELECT minimum FROM log_retention WHERE id = 1)
BEGIN
    SELECT RAISE(ABORT, 'audit_seq: a numbered row is never deleted');
END;
