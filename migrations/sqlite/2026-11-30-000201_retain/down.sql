DROP TRIGGER audit_no_delete;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit_is_append_only');
END;
DROP TABLE audit_horizon;
ALTER TABLE rooms DROP COLUMN tail;
