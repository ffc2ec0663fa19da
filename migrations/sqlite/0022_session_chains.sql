-- The certificates that sessions were opened with, once for all sessions of one signer (gateway/access/src/session/rows.rs): written with each session they were half
-- of what a login wrote. `session.certificate` is then the SHA-256 of what stands here; longer, it is the certificates themselves, as
-- earlier releases wrote them. No release before this one serves the former: it refuses such a session.
CREATE TABLE session_chain (
    sha256 BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    -- The signer's certificate and those above it, without the anchor: each DER after its length in four octets.
    certificates BLOB NOT NULL,
    -- No session with these ends later.
    kept_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_chain_age ON session_chain (kept_until);
