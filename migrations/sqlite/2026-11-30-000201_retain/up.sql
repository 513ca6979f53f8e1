-- The position up to which events of a room were deleted; the log has those after it.
ALTER TABLE rooms ADD COLUMN tail BIGINT NOT NULL DEFAULT 0 CHECK (typeof(tail) IN ('integer') AND tail >= 0);

-- The moment before which rows of the audit trail may have been deleted: one row, once any were.
CREATE TABLE audit_horizon (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    deleted_before BIGINT NOT NULL CHECK (typeof(deleted_before) IN ('integer'))
);

-- The audit trail only grows at its end, and is only deleted from its beginning on.
DROP TRIGGER audit_no_delete;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_horizon WHERE OLD.at < deleted_before)
BEGIN
    SELECT RAISE(ABORT, 'audit_is_append_only');
END;
