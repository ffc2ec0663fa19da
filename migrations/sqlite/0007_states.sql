-- The whole state machine (gateway/exchange/src/state.rs): a state with its data, a number for each step, timers, and rows
-- also for what was announced or rejected. The four tables are made anew, since a CHECK cannot be changed in place;
-- children go first, so that no reference is broken on the way.

CREATE TABLE message_states (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- NULL: rejected before a case was known or opened.
    case_id BLOB REFERENCES exchange_case (id),
    sender TEXT NOT NULL,
    -- SHA-256 of the certificate that the sender's system logged in with.
    sender_certificate BLOB NOT NULL CHECK (length(sender_certificate) = 32),
    recipient TEXT NOT NULL,
    kind TEXT NOT NULL,
    media_type TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('announced', 'submitted', 'rejected', 'validated', 'queued', 'relaying', 'retry_wait',
        'relayed', 'relay_failed', 'quarantined', 'consigned', 'notified', 'handed_over', 'accepted', 'registered', 'refused',
        'expired', 'erased')),
    -- JSON of schemas::state::State, whose name `state` repeats for the indexes.
    standing TEXT NOT NULL,
    -- How many steps it has taken; grows by one with each piece of evidence. Whoever takes the next one names the last.
    steps INTEGER NOT NULL,
    -- NULL: not accepted (yet).
    accepted_at INTEGER,
    changed_at INTEGER NOT NULL,
    -- When the state machine must look at it again although nobody does anything. NULL: never.
    due_at INTEGER,
    -- JSON: number, role, digest and sizes of each part, as evidence names them.
    parts TEXT NOT NULL,
    -- CMS AuthEnvelopedData with the document key, or one of the node's key ring. NULL: destroyed, nobody opens it again.
    key_envelope BLOB,
    lease_token BLOB,
    lease_until INTEGER,
    lease_count INTEGER NOT NULL DEFAULT 0,
    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK (state NOT IN ('validated', 'consigned', 'handed_over', 'accepted') OR (accepted_at IS NOT NULL AND case_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

INSERT INTO message_states (id, case_id, sender, sender_certificate, recipient, kind, media_type, state, standing, steps,
    accepted_at, changed_at, due_at, parts, key_envelope, lease_token, lease_until, lease_count)
SELECT id, case_id, sender, sender_certificate, recipient, kind, media_type,
    CASE state WHEN 'queued' THEN 'validated' ELSE state END,
    CASE state
        WHEN 'queued' THEN json_object('name', 'validated')
        WHEN 'relayed' THEN json_object('name', 'relayed', 'peer', '')
        WHEN 'refused' THEN json_object('name', 'refused', 'reason', '')
        WHEN 'erased' THEN json_object('name', 'erased', 'before', 'accepted')
        WHEN 'consigned' THEN json_object('name', state, 'reminders', 0,
            'since', strftime('%Y-%m-%dT%H:%M:%SZ', changed_at / 1000000, 'unixepoch'),
            'until', strftime('%Y-%m-%dT%H:%M:%SZ', changed_at / 1000000 + 21 * 86400, 'unixepoch'))
        WHEN 'handed_over' THEN json_object('name', state, 'reminders', 0,
            'since', strftime('%Y-%m-%dT%H:%M:%SZ', accepted_at / 1000000, 'unixepoch'),
            'until', strftime('%Y-%m-%dT%H:%M:%SZ', changed_at / 1000000 + 21 * 86400, 'unixepoch'))
        ELSE json_object('name', state) END,
    (SELECT count(*) FROM evidence WHERE evidence.message_id = message.id),
    accepted_at, changed_at,
    CASE WHEN state IN ('consigned', 'handed_over') THEN changed_at + 21 * 86400 * 1000000 END,
    parts, key_envelope, lease_token, lease_until, lease_count
FROM message;

CREATE TABLE evidence_steps (
    ordinal INTEGER PRIMARY KEY,
    id BLOB NOT NULL CHECK (length(id) = 16),
    message_id BLOB NOT NULL REFERENCES message_states (id),
    -- From 1, without gaps.
    step INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- The state that the message came to.
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    jws TEXT NOT NULL,
    UNIQUE (message_id, step)
) STRICT;

INSERT INTO evidence_steps (ordinal, id, message_id, step, kind, state, at, event_id, jws)
SELECT ordinal, id, message_id, row_number() OVER (PARTITION BY message_id ORDER BY ordinal), kind,
    CASE state WHEN 'queued' THEN 'validated' ELSE state END, at, event_id, jws
FROM evidence;

CREATE TABLE part_states (
    message_id BLOB NOT NULL REFERENCES message_states (id),
    number INTEGER NOT NULL,
    object_key TEXT,
    content BLOB,
    PRIMARY KEY (message_id, number),
    CHECK ((object_key IS NULL) <> (content IS NULL))
) STRICT;

INSERT INTO part_states (message_id, number, object_key, content) SELECT message_id, number, object_key, content FROM part;

-- What the recipient said, as it came (signed, or by a system that had logged in), and the step that it led to.
CREATE TABLE acknowledgement_states (
    message_id BLOB NOT NULL REFERENCES message_states (id),
    step INTEGER NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    spoken BLOB NOT NULL,
    PRIMARY KEY (message_id, step)
) STRICT;

INSERT INTO acknowledgement_states (message_id, step, sha256, spoken)
SELECT a.message_id, e.step, a.sha256, a.signed
FROM acknowledgement a JOIN evidence_steps e ON e.message_id = a.message_id AND e.kind IN ('C.3', 'C.4');

DROP TABLE acknowledgement;
DROP TABLE part;
DROP TABLE evidence;
DROP TABLE message;
ALTER TABLE message_states RENAME TO message;
ALTER TABLE evidence_steps RENAME TO evidence;
ALTER TABLE part_states RENAME TO part;
ALTER TABLE acknowledgement_states RENAME TO acknowledgement;

-- Listing of a mailbox, oldest first.
CREATE INDEX message_mailbox ON message (recipient, id);
-- Listing by state, and the leasing of what waits.
CREATE INDEX message_waiting ON message (recipient, state, id);
CREATE INDEX message_case ON message (case_id, id);
-- What a sender handed in.
CREATE INDEX message_sent ON message (sender, id);
-- What did not go well, to be searched by sender: few rows, so that the way of the others pays nothing for them.
CREATE INDEX message_trouble ON message (sender, state, id)
    WHERE state IN ('announced', 'submitted', 'rejected', 'relay_failed', 'quarantined', 'refused', 'expired');
CREATE INDEX message_due ON message (due_at) WHERE due_at IS NOT NULL;

-- Evidence is for ever.
CREATE TRIGGER evidence_no_update BEFORE UPDATE ON evidence
BEGIN
    SELECT RAISE(ABORT, 'evidence: never changed');
END;

CREATE TRIGGER evidence_no_delete BEFORE DELETE ON evidence
BEGIN
    SELECT RAISE(ABORT, 'evidence: never deleted');
END;
