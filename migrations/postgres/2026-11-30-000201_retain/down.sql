CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only';
END $$;
DROP TABLE audit_horizon;
ALTER TABLE rooms DROP COLUMN tail;
