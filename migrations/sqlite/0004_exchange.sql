-- Messages between participants (gateway/exchange). Times are microseconds since the Unix epoch; ids are the sixteen bytes
-- of a version 7 UUID, so rows of one moment lie side by side.

-- A case is between two participants, whom nothing changes afterwards.
CREATE TABLE exchange_case (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    opener TEXT NOT NULL,
    counterpart TEXT NOT NULL,
    opened_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    case_id BLOB NOT NULL REFERENCES exchange_case (id),
    sender TEXT NOT NULL,
    -- SHA-256 of the certificate that the sender's system logged in with.
    sender_certificate BLOB NOT NULL CHECK (length(sender_certificate) = 32),
    recipient TEXT NOT NULL,
    kind TEXT NOT NULL,
    media_type TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'relayed', 'consigned', 'handed_over', 'accepted', 'refused', 'expired', 'erased')),
    accepted_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    -- JSON: number, role, digest and sizes of each part, as evidence names them.
    parts TEXT NOT NULL,
    -- CMS AuthEnvelopedData with the document key. NULL: destroyed, nobody opens the document again.
    key_envelope BLOB,
    lease_token BLOB,
    lease_until INTEGER,
    lease_count INTEGER NOT NULL DEFAULT 0,
    CHECK ((lease_token IS NULL) = (lease_until IS NULL))
) STRICT, WITHOUT ROWID;

-- Listing of a mailbox, oldest first.
CREATE INDEX message_mailbox ON message (recipient, id);
-- Listing by state, and the leasing of what waits.
CREATE INDEX message_waiting ON message (recipient, state, id);
CREATE INDEX message_case ON message (case_id, id);

-- The sealed parts: in the row where they are small, else under the key in the object store.
CREATE TABLE part (
    message_id BLOB NOT NULL REFERENCES message (id),
    number INTEGER NOT NULL,
    object_key TEXT,
    content BLOB,
    PRIMARY KEY (message_id, number),
    CHECK ((object_key IS NULL) <> (content IS NULL))
) STRICT;

-- One piece of evidence for each step of a message; never changed, never deleted. `ordinal` is the order of the commits.
CREATE TABLE evidence (
    ordinal INTEGER PRIMARY KEY,
    id BLOB NOT NULL CHECK (length(id) = 16),
    message_id BLOB NOT NULL REFERENCES message (id),
    kind TEXT NOT NULL,
    -- The state that the message came to.
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    jws TEXT NOT NULL,
    UNIQUE (message_id, kind)
) STRICT;

-- What the recipient signed, as it came.
CREATE TABLE acknowledgement (
    message_id BLOB NOT NULL PRIMARY KEY REFERENCES message (id),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    signed BLOB NOT NULL
) STRICT;

-- Idempotency-Key -> what was handed in under it. Forgotten after a week.
CREATE TABLE submission_key (
    sender TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    message_id BLOB NOT NULL,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (sender, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX submission_key_age ON submission_key (accepted_at);
