-- Break-glass access: who saw for a short time what consent kept from them, and why (gateway/access/src/consent/break_glass.rs).
-- Times are microseconds since the Unix epoch.

CREATE TABLE break_glass (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    opened_by BLOB NOT NULL REFERENCES person (id),
    -- Whose data it opens. Never who opened it.
    subject BLOB NOT NULL REFERENCES person (id),
    -- None: all copies of the subject.
    application BLOB REFERENCES application (id),
    -- Whom it is told: the centre of the application, or the one in whose name it was opened.
    centre TEXT REFERENCES participant (edrpou),
    ground TEXT NOT NULL,
    reason TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT,
    reviewed_at INTEGER,
    reviewed_by TEXT,
    finding TEXT,
    note TEXT,
    CHECK (subject <> opened_by),
    CHECK (ends_at > opened_at),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
    CHECK ((reviewed_at IS NULL) = (reviewed_by IS NULL)),
    CHECK ((reviewed_at IS NULL) = (finding IS NULL)),
    CHECK ((reviewed_at IS NULL) = (note IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX break_glass_opened_by ON break_glass (opened_by, ends_at);
CREATE INDEX break_glass_centre ON break_glass (centre, id) WHERE centre IS NOT NULL;
CREATE INDEX break_glass_unreviewed ON break_glass (id) WHERE reviewed_at IS NULL;

-- It ends once and is reviewed once; nothing else of it changes, and no time grows.
CREATE TRIGGER break_glass_stays BEFORE UPDATE ON break_glass
WHEN NEW.id <> OLD.id OR NEW.opened_by <> OLD.opened_by OR NEW.subject <> OLD.subject OR NEW.application IS NOT OLD.application
    OR NEW.centre IS NOT OLD.centre OR NEW.ground <> OLD.ground OR NEW.reason <> OLD.reason OR NEW.opened_at <> OLD.opened_at
    OR NEW.ends_at <> OLD.ends_at OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS NOT OLD.ended_at)
    OR (OLD.reviewed_at IS NOT NULL AND NEW.reviewed_at IS NOT OLD.reviewed_at)
BEGIN
    SELECT RAISE(ABORT, 'break-glass access was opened');
END;

CREATE TRIGGER break_glass_is_not_deleted BEFORE DELETE ON break_glass
BEGIN
    SELECT RAISE(ABORT, 'break-glass access was opened');
END;

-- The access under which somebody looked; none: by the ordinary gate.
ALTER TABLE look ADD COLUMN break_glass BLOB REFERENCES break_glass (id);

CREATE INDEX look_break_glass ON look (break_glass) WHERE break_glass IS NOT NULL;
