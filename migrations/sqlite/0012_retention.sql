-- Retention (gateway/access/src/registry/retention.rs, gateway/exchange/src/retention). Times are microseconds since the Unix epoch.

-- Which class of retention a channel names since when: a row where an operator states another one than before. Never changed:
-- what was accepted keeps the class of its moment. No row: 'standard'.
CREATE TABLE channel_retention (
    sender TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    since INTEGER NOT NULL,
    class TEXT NOT NULL,
    PRIMARY KEY (sender, mailbox, since)
) STRICT, WITHOUT ROWID;

-- What channels named before there was a history, they named from the beginning.
INSERT INTO channel_retention (sender, mailbox, since, class)
SELECT sender, mailbox, 0, max(json_extract(policy, '$.retention')) FROM channel
WHERE policy IS NOT NULL AND json_extract(policy, '$.retention') <> 'standard'
GROUP BY sender, mailbox;

-- Legal holds, in force and lifted. Several may be of one thing.
CREATE TABLE legal_hold (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    message_id BLOB REFERENCES message (id),
    case_id BLOB REFERENCES exchange_case (id),
    reason TEXT NOT NULL,
    placed_by TEXT NOT NULL,
    placed_at INTEGER NOT NULL,
    -- NULL: in force.
    lifted_at INTEGER,
    lifted_by TEXT,
    lift_reason TEXT,
    CHECK ((message_id IS NULL) <> (case_id IS NULL)),
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)),
    CHECK ((lifted_at IS NULL) = (lift_reason IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX legal_hold_message ON legal_hold (message_id) WHERE message_id IS NOT NULL AND lifted_at IS NULL;
CREATE INDEX legal_hold_case ON legal_hold (case_id) WHERE case_id IS NOT NULL AND lifted_at IS NULL;
CREATE INDEX legal_hold_in_force ON legal_hold (id) WHERE lifted_at IS NULL;

CREATE TRIGGER legal_hold_no_delete BEFORE DELETE ON legal_hold
BEGIN
    SELECT RAISE(ABORT, 'legal_hold: lifted, never deleted');
END;

-- Whatever is written one day: the content of what is held cannot go. Both fire on erasures only.
CREATE TRIGGER part_held BEFORE DELETE ON part
WHEN EXISTS (SELECT 1 FROM legal_hold h WHERE h.message_id = OLD.message_id AND h.lifted_at IS NULL)
    OR EXISTS (SELECT 1 FROM message m JOIN legal_hold h ON h.case_id = m.case_id
        WHERE m.id = OLD.message_id AND m.accepted_at IS NOT NULL AND h.lifted_at IS NULL)
BEGIN
    SELECT RAISE(ABORT, 'part: under a legal hold');
END;

CREATE TRIGGER message_key_held BEFORE UPDATE OF key_envelope ON message
WHEN NEW.key_envelope IS NULL AND OLD.key_envelope IS NOT NULL AND OLD.accepted_at IS NOT NULL
    AND (EXISTS (SELECT 1 FROM legal_hold h WHERE h.message_id = OLD.id AND h.lifted_at IS NULL)
        OR EXISTS (SELECT 1 FROM legal_hold h WHERE h.case_id = OLD.case_id AND h.lifted_at IS NULL))
BEGIN
    SELECT RAISE(ABORT, 'message: its key is under a legal hold');
END;

-- Disposal acts. What is signed lies apart: this row changes with every piece of the execution.
CREATE TABLE disposal_act (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    number TEXT NOT NULL,
    class TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'executing', 'executed', 'withdrawn')),
    drawn_at INTEGER NOT NULL,
    -- How many messages the document names.
    messages INTEGER NOT NULL,
    -- SHA-256 of the document.
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    -- How many of them were looked at, from the beginning, and how many of these were erased.
    done INTEGER NOT NULL DEFAULT 0 CHECK (done BETWEEN 0 AND messages),
    erased INTEGER NOT NULL DEFAULT 0 CHECK (erased BETWEEN 0 AND done),
    executed_at INTEGER CHECK ((executed_at IS NULL) = (state <> 'executed'))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX disposal_act_number ON disposal_act (number) WHERE state <> 'withdrawn';
CREATE INDEX disposal_act_executing ON disposal_act (id) WHERE state = 'executing';

CREATE TABLE disposal_document (
    act_id BLOB NOT NULL PRIMARY KEY REFERENCES disposal_act (id),
    -- Canonical JSON, exactly the bytes that are signed.
    document BLOB NOT NULL
) STRICT;

CREATE TABLE disposal_signature (
    act_id BLOB NOT NULL REFERENCES disposal_act (id),
    place INTEGER NOT NULL CHECK (place IN (1, 2)),
    -- The signer's, DER.
    certificate BLOB NOT NULL,
    -- The detached signature as it came.
    cms BLOB NOT NULL,
    validated_at INTEGER NOT NULL,
    brought_by TEXT NOT NULL,
    PRIMARY KEY (act_id, place)
) STRICT;

-- What an act named and did not erase.
CREATE TABLE disposal_left (
    act_id BLOB NOT NULL REFERENCES disposal_act (id),
    message_id BLOB NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('held', 'gone', 'not_due')),
    PRIMARY KEY (act_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER disposal_act_stays BEFORE DELETE ON disposal_act
BEGIN
    SELECT RAISE(ABORT, 'disposal_act: stays');
END;

CREATE TRIGGER disposal_act_forward BEFORE UPDATE ON disposal_act
WHEN NEW.id <> OLD.id OR NEW.number <> OLD.number OR NEW.class <> OLD.class OR NEW.sha256 <> OLD.sha256
    OR NEW.messages <> OLD.messages OR NEW.drawn_at <> OLD.drawn_at OR NEW.done < OLD.done OR NEW.erased < OLD.erased
    OR OLD.state IN ('executed', 'withdrawn')
BEGIN
    SELECT RAISE(ABORT, 'disposal_act: only its execution goes on');
END;

CREATE TRIGGER disposal_document_no_update BEFORE UPDATE ON disposal_document
BEGIN
    SELECT RAISE(ABORT, 'disposal_document: never changed');
END;

CREATE TRIGGER disposal_document_no_delete BEFORE DELETE ON disposal_document
BEGIN
    SELECT RAISE(ABORT, 'disposal_document: never deleted');
END;

CREATE TRIGGER disposal_signature_no_update BEFORE UPDATE ON disposal_signature
BEGIN
    SELECT RAISE(ABORT, 'disposal_signature: never changed');
END;

CREATE TRIGGER disposal_signature_no_delete BEFORE DELETE ON disposal_signature
BEGIN
    SELECT RAISE(ABORT, 'disposal_signature: never deleted');
END;
