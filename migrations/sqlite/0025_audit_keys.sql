-- What entries commit to, sealed beside the tree (gateway/audit/src/payload.rs). A key is one subject's: of a person, or of a month where no person is
-- concerned. Destroying the key erases what lies under it, whatever copies there are of the rest.

CREATE TABLE audit_key (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    subject TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_key_subject ON audit_key (subject);

-- In place of audit_payload, where the node has a key for it.
CREATE TABLE audit_sealed (
    event_id BLOB NOT NULL PRIMARY KEY CHECK (length(event_id) = 16),
    key_id BLOB NOT NULL CHECK (length(key_id) = 16),
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
