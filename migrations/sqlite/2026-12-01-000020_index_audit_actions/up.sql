-- The audit trail by action, newest first.
CREATE INDEX IF NOT EXISTS audit_action ON audit (action, id);
