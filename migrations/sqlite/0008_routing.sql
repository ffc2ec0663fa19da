-- Routing (gateway/access/src/registry): what participants take and where they are, terms of channels, functional addresses,
-- suspensions, when a participant was last seen. Times are microseconds since the Unix epoch.

-- A code of КАТОТТГ; NULL: none is stated.
ALTER TABLE participant ADD COLUMN area TEXT;

-- JSON; NULL: whatever channels carry.
ALTER TABLE participant ADD COLUMN reception TEXT;

-- JSON; NULL: the terms of a channel for which none are stated.
ALTER TABLE channel ADD COLUMN policy TEXT;

-- Who performs a service where.
CREATE TABLE functional_address (
    service TEXT NOT NULL,
    -- The twelve digits of the area's levels; empty: wherever nothing else is stated.
    levels TEXT NOT NULL,
    -- The whole code; NULL where there is no area.
    area TEXT CHECK ((area IS NULL) = (levels = '')),
    mailbox TEXT NOT NULL,
    stated_at INTEGER NOT NULL,
    PRIMARY KEY (service, levels)
) STRICT, WITHOUT ROWID;

-- To whom nothing can be sent: a participant's code, or a mailbox.
CREATE TABLE suspension (
    address TEXT NOT NULL PRIMARY KEY,
    suspended_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last minute in which a participant's system was logged in (gateway/storage/src/seen.rs): written once a minute, behind
-- what happens, and nobody's deed.
CREATE TABLE participant_seen (
    participant TEXT NOT NULL PRIMARY KEY,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
