ALTER TABLE rooms ADD COLUMN tail BIGINT NOT NULL DEFAULT 0 CHECK (tail >= 0);
COMMENT ON COLUMN rooms.tail IS 'position up to which events were deleted; the log has those after it';

CREATE TABLE audit_horizon (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    deleted_before BIGINT NOT NULL
);
COMMENT ON TABLE audit_horizon IS 'The moment before which rows of the audit trail may have been deleted: one row, once any were.';

-- The audit trail only grows at its end, and is only deleted from its beginning on.
CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM audit_horizon WHERE OLD.at < deleted_before) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only';
END $$;
