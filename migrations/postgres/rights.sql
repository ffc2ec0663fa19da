-- Who may do what. Runs after the migrations, each time, in one transaction; it brings the rights to what it says.
--
-- vuzol_node does the acts and reads everything. Of the log it may only add to the outbox: what is recorded it can neither change nor take back.
-- vuzol_sequencer numbers the log's rows and carries its state, and may do nothing else. Nobody may change or delete a numbered row; the owner of the
-- tables is hindered by the triggers alone, and a superuser by nothing: against them stand the signed checkpoints.
--
-- The roles cannot log in. A user is made by the database's administrator: CREATE ROLE vuzol LOGIN IN ROLE vuzol_node, vuzol_sequencer.
DO $roles$
DECLARE
    role TEXT;
BEGIN
    FOREACH role IN ARRAY ARRAY['vuzol_node', 'vuzol_sequencer'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
        IF NOT pg_has_role(current_user, role, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', role, current_user);
        END IF;
    END LOOP;
END
$roles$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, vuzol_node, vuzol_sequencer;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO vuzol_node;
REVOKE INSERT, UPDATE, DELETE ON schema_version, audit_outbox, audit_seq, seq_head, log_state FROM vuzol_node;
REVOKE UPDATE ON audit_payload, audit_sealed FROM vuzol_node;
GRANT INSERT ON audit_outbox TO vuzol_node;

GRANT SELECT ON schema_version, log_retention TO vuzol_sequencer;
GRANT SELECT, DELETE ON audit_outbox TO vuzol_sequencer;
GRANT SELECT, INSERT ON audit_seq TO vuzol_sequencer;
GRANT SELECT, UPDATE ON seq_head, log_state TO vuzol_sequencer;

-- The node's own role prunes the log with this (gateway/audit/src/log/pruning.rs), and with nothing else: below the minimum index, which goes forward
-- by a deed that is in the log. The path is fixed, so that nobody's own tables are taken for these.
CREATE OR REPLACE FUNCTION prune_numbered(below BIGINT) RETURNS BIGINT LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $prune$
DECLARE
    gone BIGINT;
BEGIN
    -- Where no minimum is recorded nothing is below it.
    IF (below <= (SELECT minimum FROM log_retention WHERE id = 1)) IS NOT TRUE THEN
        RAISE EXCEPTION 'audit_seq: a numbered row is never deleted';
    END IF;
    DELETE FROM audit_seq WHERE seq < below;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$prune$;
REVOKE ALL ON FUNCTION prune_numbered(BIGINT) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prune_numbered(BIGINT) TO vuzol_node;

-- Every row of these comes and goes within a second: they are swept by what went, not by how large they are, and keep their room.
ALTER TABLE audit_outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, vacuum_truncate = off);
ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, vacuum_truncate = off);
