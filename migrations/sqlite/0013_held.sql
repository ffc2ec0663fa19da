-- Submissions that wait for a fact (gateway/exchange/src/hold.rs): what is needed to judge their signatures again. The rows go
-- in the transaction of the decision.

CREATE TABLE held (
    message_id BLOB NOT NULL PRIMARY KEY REFERENCES message (id),
    -- The key that the signatures below are sealed under, wrapped by the node's key ring.
    wrapped_key BLOB NOT NULL,
    -- DER of the certificate that the document's key is sealed to. NULL: the node holds that key for the recipient.
    encryption_certificate BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE held_signature (
    message_id BLOB NOT NULL REFERENCES held (message_id),
    -- The part that is this signature.
    number INTEGER NOT NULL,
    -- The part that it signs.
    signs INTEGER NOT NULL,
    -- JSON: object identifier and hexadecimal value of each digest of that part that the signers use.
    digests TEXT NOT NULL,
    sealed_size INTEGER NOT NULL,
    object_key TEXT,
    content BLOB,
    PRIMARY KEY (message_id, number),
    CHECK ((object_key IS NULL) <> (content IS NULL))
) STRICT;
