-- Notices to participants over webhooks, and what takes two operators (gateway/exchange/src/notices, proposals.rs). Times are
-- microseconds since the Unix epoch.

-- Where what happens to the messages of a mailbox and of its participant is posted to.
CREATE TABLE subscription (
    mailbox TEXT NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,
    -- The secret of the signatures, wrapped by the node's key ring.
    secret BLOB NOT NULL,
    -- Words with a space between them.
    events TEXT NOT NULL,
    stated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Grows with each change, so that other processes see that they must read again.
CREATE TABLE subscription_version (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO subscription_version (id, version) VALUES (1, 0);

-- One notice to one mailbox's subscription, written in the transaction of the step that it tells of. Leased as jobs are:
-- available_at is when it is due, or when its lease ends. What was taken in by its receiver has no row any more.
CREATE TABLE notice (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    mailbox TEXT NOT NULL,
    message_id BLOB NOT NULL CHECK (length(message_id) = 16),
    event TEXT NOT NULL,
    -- Of a reminder: which. Else 0.
    reminders INTEGER NOT NULL,
    -- The JSON that is posted.
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- NULL: dead, it was tried for too long.
    available_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease_token BLOB CHECK (length(lease_token) = 16),
    -- Why the last try failed, and when.
    problem TEXT,
    failed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX notice_due ON notice (mailbox, available_at) WHERE available_at IS NOT NULL;
CREATE INDEX notice_dead ON notice (id) WHERE available_at IS NULL;
CREATE INDEX notice_dead_of ON notice (mailbox, id) WHERE available_at IS NULL;
CREATE INDEX notice_reminder ON notice (message_id, reminders) WHERE event = 'reminder' AND available_at IS NOT NULL;

-- What one operator proposes, and another confirms in time. One at a time for each subject.
CREATE TABLE proposal (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- SHA-256 of the login certificate.
    proposed_by BLOB NOT NULL CHECK (length(proposed_by) = 32),
    at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    UNIQUE (what, subject)
) STRICT, WITHOUT ROWID;

-- What is in quarantine, for operators: few rows.
CREATE INDEX message_quarantined ON message (id) WHERE state = 'quarantined';
