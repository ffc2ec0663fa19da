-- Relay between nodes (gateway/exchange/src/relay.rs, gateway/access/src/registry). Times are microseconds since the Unix epoch.

-- The node at which a participant's mailboxes are, by the name of a peer; NULL: this one.
ALTER TABLE participant ADD COLUMN node TEXT;

-- The peer that a message goes to (inbound = 0) or came from (inbound = 1). A message without a row never leaves this node.
CREATE TABLE relay_route (
    message_id BLOB NOT NULL PRIMARY KEY REFERENCES message (id),
    peer TEXT NOT NULL,
    inbound INTEGER NOT NULL CHECK (inbound IN (0, 1))
) STRICT, WITHOUT ROWID;

-- What peers state of messages that travelled: verified before it is written, never changed, never deleted. `ordinal` is the
-- order in which it came.
CREATE TABLE peer_evidence (
    ordinal INTEGER PRIMARY KEY,
    id BLOB NOT NULL CHECK (length(id) = 16),
    message_id BLOB NOT NULL REFERENCES message (id),
    peer TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- The state that the message came to at the peer.
    state TEXT NOT NULL,
    -- By the peer's clock.
    at INTEGER NOT NULL,
    -- In the peer's log.
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    jws TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (message_id, id)
) STRICT;

CREATE TRIGGER peer_evidence_no_update BEFORE UPDATE ON peer_evidence
BEGIN
    SELECT RAISE(ABORT, 'evidence: never changed');
END;

CREATE TRIGGER peer_evidence_no_delete BEFORE DELETE ON peer_evidence
BEGIN
    SELECT RAISE(ABORT, 'evidence: never deleted');
END;
