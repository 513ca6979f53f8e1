-- Every list and every clean-up reads by an index (tests/integration/database/plans.rs holds them to it).

-- A consumer's received offers; admins' lists by state, newest first.
CREATE INDEX IF NOT EXISTS offers_consumer ON offers (consumer_user_id, id);
CREATE INDEX IF NOT EXISTS offers_status ON offers (status, id);
-- Whether a provider offered on a request, or was booked for it: asked with every look at a request.
CREATE INDEX IF NOT EXISTS offers_request_user ON offers (request_id, user_id);
CREATE INDEX IF NOT EXISTS bookings_request ON bookings (request_id, provider_user_id);
-- Open requests, newest first, whatever their category.
CREATE INDEX IF NOT EXISTS requests_status ON requests (status, id);
-- The history that a simulation is fitted to: 90 days of one category.
CREATE INDEX IF NOT EXISTS requests_history ON requests (category, created_at);
CREATE INDEX IF NOT EXISTS bookings_status ON bookings (status, id);
-- Admins, for `souk user list` and before one is suspended.
CREATE INDEX IF NOT EXISTS users_role ON users (role, id);
-- Ended logins, by either way of ending.
CREATE INDEX IF NOT EXISTS logins_expiry ON logins (expires_at);
CREATE INDEX IF NOT EXISTS logins_revoked ON logins (revoked_at) WHERE revoked_at IS NOT NULL;
-- A user's logins, newest first; does what logins_user did.
CREATE INDEX IF NOT EXISTS logins_user_newest ON logins (user_id, id);
DROP INDEX IF EXISTS logins_user;
-- The audit trail by each of its filters, newest first. Ids of rows are unique among all kinds, so that row and kind
-- need no index together.
CREATE INDEX IF NOT EXISTS audit_row_newest ON audit (row_id, id);
CREATE INDEX IF NOT EXISTS audit_kind ON audit (kind, id);
CREATE INDEX IF NOT EXISTS audit_outcome ON audit (outcome, id);
DROP INDEX IF EXISTS audit_row;
