-- Submissions in several requests (gateway/exchange/src/upload): what was announced of each part, and which ranges of it are
-- durable. The rows go when the submission was accepted, rejected or given up.

CREATE TABLE upload_part (
    message_id BLOB NOT NULL REFERENCES message (id),
    number INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('document', 'attachment', 'signature')),
    -- Of a signature: the part that it signs.
    signs INTEGER,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL CHECK (size > 0),
    -- SHA-256 of the whole as the sender stated it, in the announcement or with a range.
    stated BLOB CHECK (length(stated) = 32),
    -- Bytes that are durable, from the beginning.
    received INTEGER NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND size),
    -- Once all of it is here: SHA-256 of the whole, and the part in its final form.
    sha256 BLOB CHECK (length(sha256) = 32),
    sealed_size INTEGER,
    sealed_sha256 BLOB CHECK (length(sealed_sha256) = 32),
    object_key TEXT,
    content BLOB,
    PRIMARY KEY (message_id, number),
    CHECK ((sha256 IS NULL) = (received < size)),
    CHECK ((sha256 IS NULL) = (sealed_sha256 IS NULL)),
    CHECK ((sha256 IS NULL) = (sealed_size IS NULL)),
    CHECK ((sha256 IS NULL) = (object_key IS NULL AND content IS NULL)),
    CHECK (object_key IS NULL OR content IS NULL)
) STRICT;

CREATE TABLE upload_range (
    message_id BLOB NOT NULL,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    length INTEGER NOT NULL CHECK (length > 0),
    -- SHA-256 of the range as it came: a repeat is known by it.
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    sealed_size INTEGER NOT NULL,
    -- The sealed range. Neither: the whole part is here in its final form.
    object_key TEXT,
    content BLOB,
    PRIMARY KEY (message_id, number, start),
    FOREIGN KEY (message_id, number) REFERENCES upload_part (message_id, number),
    CHECK (object_key IS NULL OR content IS NULL)
) STRICT;
