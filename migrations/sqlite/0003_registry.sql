-- Who takes part: written by operators, read into memory by every process (gateway/access).
-- Times are microseconds since the Unix epoch.

CREATE TABLE participant (
    edrpou TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    registered_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mailbox (
    id TEXT NOT NULL PRIMARY KEY,
    participant TEXT NOT NULL REFERENCES participant (edrpou)
) STRICT, WITHOUT ROWID;

CREATE INDEX mailbox_participant ON mailbox (participant);

CREATE TABLE participant_certificate (
    participant TEXT NOT NULL REFERENCES participant (edrpou),
    usage TEXT NOT NULL CHECK (usage IN ('login', 'encryption')),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    der BLOB NOT NULL,
    registered_at INTEGER NOT NULL,
    PRIMARY KEY (participant, usage, sha256)
) STRICT;

-- A login certificate is one participant's alone; so the certificate says who is asking.
CREATE UNIQUE INDEX participant_certificate_login ON participant_certificate (sha256) WHERE usage = 'login';

-- One row for each kind of document that a sender may send to a mailbox.
CREATE TABLE channel (
    sender TEXT NOT NULL REFERENCES participant (edrpou),
    mailbox TEXT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (sender, mailbox, kind)
) STRICT, WITHOUT ROWID;

-- Grows with each change, so that other processes see that they must read again.
CREATE TABLE registry_version (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO registry_version (id, version) VALUES (1, 0);
