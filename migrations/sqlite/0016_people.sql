-- People and the roles that they are entrusted with (gateway/access/src/people). Times are microseconds since the Unix epoch.

-- Who is a person: known by keyed digests of their numbers, so that whoever has the database alone cannot try all numbers.
CREATE TABLE person (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    registered_by TEXT NOT NULL,
    -- Not NULL: logs in no more.
    removed_at INTEGER,
    removed_by TEXT,
    CHECK ((removed_by IS NULL) = (removed_at IS NULL))
) STRICT, WITHOUT ROWID;

-- HMAC-SHA-256 of 'rnokpp:' or 'unzr:' and the number, under the node's identity key, which is not in the database.
CREATE TABLE person_identity (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    kind TEXT NOT NULL CHECK (kind IN ('rnokpp', 'unzr')),
    person_id BLOB NOT NULL REFERENCES person (id),
    UNIQUE (person_id, kind)
) STRICT, WITHOUT ROWID;

-- Never deleted: a role that is taken back keeps its row. `participant` is NULL for roles of the node.
CREATE TABLE role_assignment (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    person_id BLOB NOT NULL REFERENCES person (id),
    role TEXT NOT NULL,
    participant TEXT REFERENCES participant (edrpou),
    valid_from INTEGER NOT NULL,
    valid_until INTEGER,
    granted_by TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    revoked_by TEXT,
    revoked_at INTEGER,
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX role_assignment_person ON role_assignment (person_id, id);
CREATE INDEX role_assignment_participant ON role_assignment (participant, person_id) WHERE revoked_at IS NULL;

-- Grows with each change, so that other processes see that they must read again, and a plan that was made before is made anew.
CREATE TABLE directory_version (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    -- What the identity key makes of a fixed text, from the first person on: another key would find nobody.
    key_check BLOB CHECK (length(key_check) = 32)
) STRICT;

INSERT INTO directory_version (id, version) VALUES (1, 0);

-- What was entered in bulk, so that it can be undone.
CREATE TABLE directory_import (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- SHA-256 of what was handed in.
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    imported_at INTEGER NOT NULL,
    imported_by TEXT NOT NULL,
    undone_at INTEGER,
    undone_by TEXT,
    CHECK ((undone_by IS NULL) = (undone_at IS NULL))
) STRICT, WITHOUT ROWID;

-- One row for each thing that the import entered: exactly one of the last three is there.
CREATE TABLE directory_import_entry (
    import_id BLOB NOT NULL REFERENCES directory_import (id),
    number INTEGER NOT NULL,
    participant TEXT REFERENCES participant (edrpou),
    person_id BLOB REFERENCES person (id),
    assignment_id BLOB REFERENCES role_assignment (id),
    PRIMARY KEY (import_id, number),
    CHECK ((participant IS NOT NULL) + (person_id IS NOT NULL) + (assignment_id IS NOT NULL) = 1)
) STRICT, WITHOUT ROWID;
