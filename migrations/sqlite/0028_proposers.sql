-- Who proposed, by their name in the log (gateway/access/src/proposals.rs). proposed_by tells two apart and names nobody: of a person it is a mark.
-- NULL: proposed by a binary that did not write it.
ALTER TABLE proposal ADD COLUMN proposer TEXT;
