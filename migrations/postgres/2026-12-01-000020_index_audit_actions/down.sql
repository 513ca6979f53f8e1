DROP INDEX IF EXISTS audit_action;
