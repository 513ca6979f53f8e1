-- Whoever can be authenticated.
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    issuer TEXT,
    clerk_id TEXT,
    display_name TEXT NOT NULL,
    password_hash TEXT,
    role TEXT NOT NULL CHECK (role IN ('consumer', 'provider', 'admin')),
    plan TEXT NOT NULL CHECK (plan IN ('free', 'pro', 'enterprise')),
    is_active BOOLEAN NOT NULL CHECK (is_active IN (TRUE, FALSE)),
    token_epoch BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (issuer, clerk_id),
    CHECK ((issuer IS NULL) = (clerk_id IS NULL)),
    CHECK (typeof(token_epoch) IN ('integer')),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);

-- One signing-in on one device: the family of its refresh tokens, the `sid` of its access tokens.
CREATE TABLE logins (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    user_agent TEXT,
    address TEXT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(last_used_at) IN ('integer')),
    CHECK (typeof(expires_at) IN ('integer')),
    CHECK (typeof(revoked_at) IN ('integer', 'null'))
);
CREATE INDEX logins_user ON logins (user_id);

-- Refresh tokens by hash; rotated at each use.
CREATE TABLE refresh_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    login_id TEXT NOT NULL REFERENCES logins (id),
    hash TEXT NOT NULL UNIQUE,
    parent_id TEXT REFERENCES refresh_tokens (id),
    access_jti TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    access_used_at BIGINT,
    withdrawn_at BIGINT,
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(expires_at) IN ('integer')),
    CHECK (typeof(used_at) IN ('integer', 'null')),
    CHECK (typeof(access_used_at) IN ('integer', 'null')),
    CHECK (typeof(withdrawn_at) IN ('integer', 'null'))
);
CREATE INDEX refresh_tokens_login ON refresh_tokens (login_id);
CREATE UNIQUE INDEX refresh_tokens_access ON refresh_tokens (access_jti);
CREATE INDEX refresh_tokens_parent ON refresh_tokens (parent_id);

-- Tokens and outside sessions that were revoked before their time.
CREATE TABLE revocations (
    issuer TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('jti', 'sid')),
    value TEXT NOT NULL,
    revoked_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (issuer, kind, value),
    CHECK (typeof(revoked_at) IN ('integer')),
    CHECK (typeof(until) IN ('integer'))
);
CREATE INDEX revocations_until ON revocations (until);

-- The shop of a user.
CREATE TABLE providers (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL UNIQUE REFERENCES users (id),
    display_name TEXT NOT NULL,
    bio TEXT NOT NULL,
    latitude DOUBLE CHECK (latitude BETWEEN -90 AND 90),
    longitude DOUBLE CHECK (longitude BETWEEN -180 AND 180),
    radius_km DOUBLE CHECK (radius_km > 0),
    rating_count BIGINT NOT NULL,
    rating_sum BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (radius_km IS NULL)),
    CHECK (typeof(rating_count) IN ('integer')),
    CHECK (typeof(rating_sum) IN ('integer')),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);

-- Which markets a provider serves.
CREATE TABLE provider_categories (
    provider_id TEXT NOT NULL REFERENCES providers (id),
    category TEXT NOT NULL,
    PRIMARY KEY (provider_id, category)
);
CREATE INDEX provider_categories_category ON provider_categories (category, provider_id);

-- What a provider's shop sells.
CREATE TABLE services (
    id TEXT NOT NULL PRIMARY KEY,
    provider_id TEXT NOT NULL REFERENCES providers (id),
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    description TEXT NOT NULL,
    price_min BIGINT NOT NULL CHECK (price_min >= 0),
    price_max BIGINT NOT NULL CHECK (price_max >= price_min),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    duration_minutes INTEGER NOT NULL CHECK (duration_minutes > 0),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (typeof(price_min) IN ('integer')),
    CHECK (typeof(price_max) IN ('integer')),
    CHECK (typeof(duration_minutes) IN ('integer')),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE INDEX services_provider ON services (provider_id, id);

-- A provider's ready-made offer texts.
CREATE TABLE templates (
    id TEXT NOT NULL PRIMARY KEY,
    provider_id TEXT NOT NULL REFERENCES providers (id),
    title TEXT NOT NULL,
    message TEXT NOT NULL,
    price BIGINT NOT NULL CHECK (price >= 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (typeof(price) IN ('integer')),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE INDEX templates_provider ON templates (provider_id, id);

-- Records of a provider's portfolio photos.
CREATE TABLE portfolio_photos (
    id TEXT NOT NULL PRIMARY KEY,
    provider_id TEXT NOT NULL REFERENCES providers (id),
    caption TEXT NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 0),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (typeof(position) IN ('integer')),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE INDEX portfolio_photos_provider ON portfolio_photos (provider_id, position, id);

-- The buying side of a user.
CREATE TABLE consumers (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL UNIQUE REFERENCES users (id),
    display_name TEXT NOT NULL,
    address TEXT,
    latitude DOUBLE CHECK (latitude BETWEEN -90 AND 90),
    longitude DOUBLE CHECK (longitude BETWEEN -180 AND 180),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((latitude IS NULL) = (longitude IS NULL)),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);

-- A consumer's request for work.
CREATE TABLE requests (
    id TEXT NOT NULL PRIMARY KEY,
    consumer_id TEXT NOT NULL REFERENCES consumers (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    category TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    budget_min BIGINT CHECK (budget_min >= 0),
    budget_max BIGINT CHECK (budget_max >= budget_min),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    address TEXT,
    latitude DOUBLE CHECK (latitude BETWEEN -90 AND 90),
    longitude DOUBLE CHECK (longitude BETWEEN -180 AND 180),
    wanted_at BIGINT,
    status TEXT NOT NULL CHECK (status IN ('draft', 'open', 'booked', 'fulfilled', 'cancelled', 'expired', 'removed')),
    revision BIGINT NOT NULL,
    expires_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((latitude IS NULL) = (longitude IS NULL)),
    CHECK (status = 'draft' OR status = 'removed' OR expires_at IS NOT NULL),
    CHECK (typeof(budget_min) IN ('integer', 'null')),
    CHECK (typeof(budget_max) IN ('integer', 'null')),
    CHECK (typeof(wanted_at) IN ('integer', 'null')),
    CHECK (typeof(revision) IN ('integer')),
    CHECK (typeof(expires_at) IN ('integer', 'null')),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE INDEX requests_user ON requests (user_id, id);
CREATE INDEX requests_market ON requests (status, category, id);
CREATE INDEX requests_expiry ON requests (status, expires_at);

-- A provider's offer on a request.
CREATE TABLE offers (
    id TEXT NOT NULL PRIMARY KEY,
    request_id TEXT NOT NULL REFERENCES requests (id),
    provider_id TEXT NOT NULL REFERENCES providers (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    consumer_user_id TEXT NOT NULL REFERENCES users (id),
    price BIGINT NOT NULL CHECK (price >= 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    message TEXT NOT NULL,
    slot_start BIGINT NOT NULL,
    slot_end BIGINT NOT NULL CHECK (slot_end > slot_start),
    valid_until BIGINT NOT NULL,
    request_revision BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'countered', 'accepted', 'declined', 'withdrawn', 'expired', 'not_selected', 'voided', 'removed')),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (typeof(price) IN ('integer')),
    CHECK (typeof(slot_start) IN ('integer')),
    CHECK (typeof(slot_end) IN ('integer')),
    CHECK (typeof(valid_until) IN ('integer')),
    CHECK (typeof(request_revision) IN ('integer')),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE UNIQUE INDEX offers_one_live ON offers (request_id, provider_id) WHERE status IN ('pending', 'countered');
CREATE UNIQUE INDEX offers_one_accepted ON offers (request_id) WHERE status = 'accepted';
CREATE INDEX offers_request ON offers (request_id, id);
CREATE INDEX offers_user ON offers (user_id, id);
CREATE INDEX offers_expiry ON offers (status, valid_until);

-- What an accepted offer became.
CREATE TABLE bookings (
    id TEXT NOT NULL PRIMARY KEY,
    offer_id TEXT NOT NULL UNIQUE REFERENCES offers (id),
    request_id TEXT NOT NULL REFERENCES requests (id),
    consumer_id TEXT NOT NULL REFERENCES consumers (id),
    provider_id TEXT NOT NULL REFERENCES providers (id),
    consumer_user_id TEXT NOT NULL REFERENCES users (id),
    provider_user_id TEXT NOT NULL REFERENCES users (id),
    price BIGINT NOT NULL CHECK (price >= 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    slot_start BIGINT NOT NULL,
    slot_end BIGINT NOT NULL CHECK (slot_end > slot_start),
    address TEXT,
    status TEXT NOT NULL CHECK (status IN ('confirmed', 'in_progress', 'completed', 'cancelled', 'no_show', 'disputed')),
    completed_by TEXT REFERENCES users (id),
    cancelled_by TEXT REFERENCES users (id),
    cancel_reason TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (typeof(price) IN ('integer')),
    CHECK (typeof(slot_start) IN ('integer')),
    CHECK (typeof(slot_end) IN ('integer')),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE UNIQUE INDEX bookings_one_live ON bookings (request_id) WHERE status <> 'cancelled';
CREATE INDEX bookings_consumer ON bookings (consumer_user_id, id);
CREATE INDEX bookings_provider ON bookings (provider_user_id, id);
CREATE INDEX bookings_slots ON bookings (provider_id, slot_start);

-- The chat of a consumer and a provider about a request or booking.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    request_id TEXT NOT NULL REFERENCES requests (id),
    booking_id TEXT REFERENCES bookings (id),
    consumer_user_id TEXT NOT NULL REFERENCES users (id),
    provider_user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (request_id, provider_user_id),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE INDEX sessions_consumer ON sessions (consumer_user_id, id);
CREATE INDEX sessions_provider ON sessions (provider_user_id, id);

-- Chat messages; each is also an event of its session's room.
CREATE TABLE messages (
    id TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    client_msg_id TEXT NOT NULL,
    text TEXT NOT NULL,
    seq BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (session_id, user_id, client_msg_id),
    UNIQUE (session_id, seq),
    CHECK (typeof(seq) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer'))
);

-- How far a user has read in a room.
CREATE TABLE read_markers (
    room TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    seq BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (room, user_id),
    CHECK (typeof(seq) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);

-- A kanban board; a booking opens one.
CREATE TABLE projects (
    id TEXT NOT NULL PRIMARY KEY,
    booking_id TEXT UNIQUE REFERENCES bookings (id),
    created_by TEXT NOT NULL REFERENCES users (id),
    title TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);

-- Who may see and change a project.
CREATE TABLE project_members (
    project_id TEXT NOT NULL REFERENCES projects (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'editor', 'viewer')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, user_id),
    CHECK (typeof(created_at) IN ('integer'))
);
CREATE INDEX project_members_user ON project_members (user_id, project_id);

-- Head of each room's event log; its row lock orders the room's writers.
CREATE TABLE rooms (
    name TEXT NOT NULL PRIMARY KEY,
    head BIGINT NOT NULL CHECK (head >= 0),
    CHECK (typeof(head) IN ('integer'))
);

-- The event log: what live sessions get and what reconnecting ones replay.
CREATE TABLE events (
    room TEXT NOT NULL,
    seq BIGINT NOT NULL CHECK (seq > 0),
    kind TEXT NOT NULL,
    by_user TEXT,
    at BIGINT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (room, seq),
    CHECK (typeof(seq) IN ('integer')),
    CHECK (typeof(at) IN ('integer'))
);

-- Who, as whom, did or was refused what. Append-only.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT,
    impersonator TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('refused', 'admin', 'done')),
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    row_id TEXT,
    detail TEXT,
    call_id TEXT,
    CHECK (typeof(at) IN ('integer'))
);
CREATE INDEX audit_row ON audit (kind, row_id, id);
CREATE INDEX audit_actor ON audit (actor, id);

-- Answers kept for a repeated Idempotency-Key, written in the transaction of the first.
CREATE TABLE idempotency_keys (
    user_id TEXT NOT NULL REFERENCES users (id),
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    location TEXT,
    etag TEXT,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, key),
    CHECK (typeof(status) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer'))
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- No two active bookings of a provider overlap, whatever the code believes.
CREATE TRIGGER bookings_no_overlap_insert BEFORE INSERT ON bookings
WHEN NEW.status IN ('confirmed', 'in_progress')
BEGIN
    SELECT RAISE(ABORT, 'bookings_no_overlap') WHERE EXISTS (
        SELECT 1 FROM bookings
        WHERE provider_id = NEW.provider_id AND id <> NEW.id AND status IN ('confirmed', 'in_progress')
          AND slot_start < NEW.slot_end AND NEW.slot_start < slot_end
    );
END;

-- No two active bookings of a provider overlap, whatever the code believes.
CREATE TRIGGER bookings_no_overlap_update BEFORE UPDATE ON bookings
WHEN NEW.status IN ('confirmed', 'in_progress')
BEGIN
    SELECT RAISE(ABORT, 'bookings_no_overlap') WHERE EXISTS (
        SELECT 1 FROM bookings
        WHERE provider_id = NEW.provider_id AND id <> NEW.id AND status IN ('confirmed', 'in_progress')
          AND slot_start < NEW.slot_end AND NEW.slot_start < slot_end
    );
END;

-- The audit trail only grows.
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit_is_append_only');
END;

-- The audit trail only grows.
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit_is_append_only');
END;
