-- People and the roles that they are entrusted with (gateway/access/src/people). Times are microseconds since the Unix epoch.

-- Who is a person: known by keyed digests of their numbers, so that whoever has the database alone cannot try all numbers.
CREATE TABLE person (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    registered_by TEXT NOT NULL,
    -- Not NULL: logs in no more.
    removed_at INTEGER
) STRICT, WITHOUT ROWID;

-- HMAC-SHA-256 of 'rnokpp:' or 'unzr:' and the number, under the node's identity key, which is not in the database.
CREATE TABLE person_identity (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    person_id BLOB NOT NULL REFERENCES person (id)
) STRICT, WITHOUT ROWID;

CREATE INDEX person_identity_person ON person_identity (person_id);

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

CREATE INDEX role_assignment_person ON role_assignment (person_id) WHERE revoked_at IS NULL;
CREATE INDEX role_assignment_participant ON role_assignment (participant) WHERE revoked_at IS NULL;
