-- Whom to believe, as operators state it over the API (gateway/access/src/trust.rs). A statement outweighs the folders of the
-- configuration for its certificate. Times are microseconds since the Unix epoch.
CREATE TABLE trust_statement (
    sha256 BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    -- Words with a space between them; none: believed for nothing.
    purposes TEXT NOT NULL,
    -- Known where it is believed for something.
    der BLOB CHECK (der IS NOT NULL OR purposes = ''),
    stated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
