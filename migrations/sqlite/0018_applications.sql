-- Applications of people for services, the copies of documents that they attached, and who looked at them (gateway/access/src/consent).
-- Times are microseconds since the Unix epoch.

CREATE TABLE application (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    applicant BLOB NOT NULL REFERENCES person (id),
    -- The service centre that it was made at.
    centre TEXT NOT NULL REFERENCES participant (edrpou),
    service TEXT NOT NULL,
    applied_at INTEGER NOT NULL,
    -- At most one of the two: it ends once.
    withdrawn_at INTEGER,
    closed_at INTEGER,
    -- Class of retention of what was attached when it was closed. How long that is says the configuration.
    retention TEXT,
    CHECK (withdrawn_at IS NULL OR closed_at IS NULL),
    CHECK ((closed_at IS NULL) = (retention IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX application_applicant ON application (applicant, id);
CREATE INDEX application_centre ON application (centre, id);

-- What a person's portal sealed: the node cannot open it. An erased one keeps its row, without its bytes.
CREATE TABLE stored_copy (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner BLOB NOT NULL REFERENCES person (id),
    kind TEXT NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    sealed BLOB NOT NULL,
    stored_at INTEGER NOT NULL,
    erased_at INTEGER,
    CHECK (erased_at IS NULL OR length(sealed) = 0)
) STRICT;

CREATE INDEX stored_copy_owner ON stored_copy (owner, id) WHERE erased_at IS NULL;

CREATE TABLE application_copy (
    application_id BLOB NOT NULL REFERENCES application (id),
    copy_id BLOB NOT NULL REFERENCES stored_copy (id),
    attached_at INTEGER NOT NULL,
    detached_at INTEGER,
    PRIMARY KEY (application_id, copy_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX application_copy_copy ON application_copy (copy_id);

-- Every look at a person's data, as the person is shown it. Never changed, never deleted.
CREATE TABLE look (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    subject BLOB NOT NULL REFERENCES person (id),
    looked_by TEXT NOT NULL,
    acting_for TEXT,
    object TEXT NOT NULL,
    purpose TEXT NOT NULL,
    legal_ground TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX look_subject ON look (subject, id);

CREATE TRIGGER look_is_not_changed BEFORE UPDATE ON look
BEGIN
    SELECT RAISE(ABORT, 'a look was made');
END;

CREATE TRIGGER look_is_not_deleted BEFORE DELETE ON look
BEGIN
    SELECT RAISE(ABORT, 'a look was made');
END;
