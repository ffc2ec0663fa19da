-- The bundle of policies in force (gateway/access/src/policies/bundle.rs). One row, which remembers across restarts below which number none
-- may come into force. Times are microseconds since the Unix epoch.

CREATE TABLE policies_in_force (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL CHECK (number >= 0),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    since INTEGER NOT NULL
) STRICT;

CREATE TRIGGER policies_go_forward BEFORE UPDATE ON policies_in_force
WHEN NEW.number <= OLD.number
BEGIN
    SELECT RAISE(ABORT, 'an older bundle of policies');
END;

CREATE TRIGGER policies_are_not_forgotten BEFORE DELETE ON policies_in_force
BEGIN
    SELECT RAISE(ABORT, 'the number of the policies in force is kept');
END;
