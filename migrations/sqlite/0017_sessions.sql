-- Sessions at the portals, challenges that were answered, API tokens (gateway/access/src/session, login, token).
-- Times are microseconds since the Unix epoch.

-- A challenge is not stored when it is issued (it carries a MAC): only that it was answered, until it would have expired anyway.
CREATE TABLE challenge_answered (
    nonce BLOB NOT NULL PRIMARY KEY CHECK (length(nonce) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX challenge_answered_age ON challenge_answered (expires_at);

CREATE TABLE session (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- SHA-256 of what the cookie holds.
    secret_sha256 BLOB NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
    portal TEXT NOT NULL CHECK (portal IN ('internal', 'external')),
    person_id BLOB NOT NULL REFERENCES person (id),
    acting_for TEXT REFERENCES participant (edrpou),
    -- The signer's certificate and those above it, without the anchor: each DER after its length in four octets.
    certificate BLOB NOT NULL,
    opened_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    -- The deed that was confirmed last, and when.
    stepped_up_for TEXT,
    stepped_up_at INTEGER,
    -- Not NULL: over, and why.
    ended_at INTEGER,
    end_reason TEXT,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CHECK ((stepped_up_for IS NULL) = (stepped_up_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX session_person ON session (person_id) WHERE ended_at IS NULL;
CREATE INDEX session_age ON session (ends_at);

CREATE TABLE api_token (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    secret_sha256 BLOB NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
    participant TEXT NOT NULL REFERENCES participant (edrpou),
    name TEXT NOT NULL,
    -- JSON: names of actions.
    scopes TEXT NOT NULL,
    issued_by TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_by TEXT,
    revoked_at INTEGER,
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX api_token_participant ON api_token (participant) WHERE revoked_at IS NULL;
