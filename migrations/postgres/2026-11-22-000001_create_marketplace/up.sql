CREATE TABLE users (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL UNIQUE,
    issuer TEXT COLLATE "C",
    clerk_id TEXT COLLATE "C",
    display_name TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C",
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('consumer', 'provider', 'admin')),
    plan TEXT COLLATE "C" NOT NULL CHECK (plan IN ('free', 'pro', 'enterprise')),
    is_active BOOLEAN NOT NULL,
    token_epoch BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (issuer, clerk_id),
    CHECK ((issuer IS NULL) = (clerk_id IS NULL))
);
COMMENT ON TABLE users IS 'Whoever can be authenticated.';
COMMENT ON COLUMN users.id IS 'UUIDv7';
COMMENT ON COLUMN users.email IS 'case-folded by the application';
COMMENT ON COLUMN users.issuer IS 'outside issuer (`iss`) that vouches for this user';
COMMENT ON COLUMN users.clerk_id IS 'the user''s `sub` at that issuer';
COMMENT ON COLUMN users.display_name IS 'as shown to others';
COMMENT ON COLUMN users.password_hash IS 'Argon2id in PHC form; absent for users of outside issuers';
COMMENT ON COLUMN users.is_active IS 'a suspended user is refused everywhere at once';
COMMENT ON COLUMN users.token_epoch IS 'tokens issued before this moment (microseconds) are invalid';
COMMENT ON COLUMN users.version IS 'what If-Match is compared with';
COMMENT ON COLUMN users.created_at IS 'microseconds UTC, as all times';

CREATE TABLE logins (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    user_agent TEXT COLLATE "C",
    address TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX logins_user ON logins (user_id);
COMMENT ON TABLE logins IS 'One signing-in on one device: the family of its refresh tokens, the `sid` of its access tokens.';
COMMENT ON COLUMN logins.expires_at IS 'end of the login whatever its use';

CREATE TABLE refresh_tokens (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    login_id TEXT COLLATE "C" NOT NULL REFERENCES logins (id),
    hash TEXT COLLATE "C" NOT NULL UNIQUE,
    parent_id TEXT COLLATE "C" REFERENCES refresh_tokens (id),
    access_jti TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    access_used_at BIGINT,
    withdrawn_at BIGINT
);
CREATE INDEX refresh_tokens_login ON refresh_tokens (login_id);
CREATE UNIQUE INDEX refresh_tokens_access ON refresh_tokens (access_jti);
CREATE INDEX refresh_tokens_parent ON refresh_tokens (parent_id);
COMMENT ON TABLE refresh_tokens IS 'Refresh tokens by hash; rotated at each use.';
COMMENT ON COLUMN refresh_tokens.hash IS 'SHA-256 of the token, hex';
COMMENT ON COLUMN refresh_tokens.parent_id IS 'the token whose use bought this one';
COMMENT ON COLUMN refresh_tokens.access_jti IS '`jti` of the access token issued with it';
COMMENT ON COLUMN refresh_tokens.expires_at IS 'idle end';
COMMENT ON COLUMN refresh_tokens.used_at IS 'set once, when it was exchanged';
COMMENT ON COLUMN refresh_tokens.access_used_at IS 'set once, when the access token of the pair was first shown';
COMMENT ON COLUMN refresh_tokens.withdrawn_at IS 'set when an unused pair was replaced because its answer was lost';

CREATE TABLE revocations (
    issuer TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('jti', 'sid')),
    value TEXT COLLATE "C" NOT NULL,
    revoked_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (issuer, kind, value)
);
CREATE INDEX revocations_until ON revocations (until);
COMMENT ON TABLE revocations IS 'Tokens and outside sessions that were revoked before their time.';
COMMENT ON COLUMN revocations.issuer IS 'empty for our own tokens';
COMMENT ON COLUMN revocations.until IS 'no token with this value is valid after it; then the row may go';

CREATE TABLE providers (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES users (id),
    display_name TEXT COLLATE "C" NOT NULL,
    bio TEXT COLLATE "C" NOT NULL,
    latitude DOUBLE PRECISION CHECK (latitude BETWEEN -90 AND 90),
    longitude DOUBLE PRECISION CHECK (longitude BETWEEN -180 AND 180),
    radius_km DOUBLE PRECISION CHECK (radius_km > 0),
    rating_count BIGINT NOT NULL,
    rating_sum BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (radius_km IS NULL))
);
COMMENT ON TABLE providers IS 'The shop of a user.';
COMMENT ON COLUMN providers.latitude IS 'centre of the service area, degrees';
COMMENT ON COLUMN providers.radius_km IS 'reach of the service area, kilometres';
COMMENT ON COLUMN providers.rating_count IS 'published reviews';
COMMENT ON COLUMN providers.rating_sum IS 'sum of their stars';

CREATE TABLE provider_categories (
    provider_id TEXT COLLATE "C" NOT NULL REFERENCES providers (id),
    category TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (provider_id, category)
);
CREATE INDEX provider_categories_category ON provider_categories (category, provider_id);
COMMENT ON TABLE provider_categories IS 'Which markets a provider serves.';

CREATE TABLE services (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    provider_id TEXT COLLATE "C" NOT NULL REFERENCES providers (id),
    name TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    price_min BIGINT NOT NULL CHECK (price_min >= 0),
    price_max BIGINT NOT NULL CHECK (price_max >= price_min),
    currency TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3),
    duration_minutes INTEGER NOT NULL CHECK (duration_minutes > 0),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX services_provider ON services (provider_id, id);
COMMENT ON TABLE services IS 'What a provider''s shop sells.';
COMMENT ON COLUMN services.price_min IS 'minor units';
COMMENT ON COLUMN services.price_max IS 'minor units';
COMMENT ON COLUMN services.currency IS 'ISO 4217 code of every amount in this row';

CREATE TABLE templates (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    provider_id TEXT COLLATE "C" NOT NULL REFERENCES providers (id),
    title TEXT COLLATE "C" NOT NULL,
    message TEXT COLLATE "C" NOT NULL,
    price BIGINT NOT NULL CHECK (price >= 0),
    currency TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX templates_provider ON templates (provider_id, id);
COMMENT ON TABLE templates IS 'A provider''s ready-made offer texts.';
COMMENT ON COLUMN templates.price IS 'minor units';
COMMENT ON COLUMN templates.currency IS 'ISO 4217 code of every amount in this row';

CREATE TABLE portfolio_photos (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    provider_id TEXT COLLATE "C" NOT NULL REFERENCES providers (id),
    caption TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 0),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX portfolio_photos_provider ON portfolio_photos (provider_id, position, id);
COMMENT ON TABLE portfolio_photos IS 'Records of a provider''s portfolio photos.';
COMMENT ON COLUMN portfolio_photos.position IS 'order in the portfolio';

CREATE TABLE consumers (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES users (id),
    display_name TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C",
    latitude DOUBLE PRECISION CHECK (latitude BETWEEN -90 AND 90),
    longitude DOUBLE PRECISION CHECK (longitude BETWEEN -180 AND 180),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((latitude IS NULL) = (longitude IS NULL))
);
COMMENT ON TABLE consumers IS 'The buying side of a user.';
COMMENT ON COLUMN consumers.address IS 'default location, as text';

CREATE TABLE requests (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    consumer_id TEXT COLLATE "C" NOT NULL REFERENCES consumers (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    category TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    budget_min BIGINT CHECK (budget_min >= 0),
    budget_max BIGINT CHECK (budget_max >= budget_min),
    currency TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3),
    address TEXT COLLATE "C",
    latitude DOUBLE PRECISION CHECK (latitude BETWEEN -90 AND 90),
    longitude DOUBLE PRECISION CHECK (longitude BETWEEN -180 AND 180),
    wanted_at BIGINT,
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('draft', 'open', 'booked', 'fulfilled', 'cancelled', 'expired', 'removed')),
    revision BIGINT NOT NULL,
    expires_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((latitude IS NULL) = (longitude IS NULL)),
    CHECK (status = 'draft' OR status = 'removed' OR expires_at IS NOT NULL)
);
CREATE INDEX requests_user ON requests (user_id, id);
CREATE INDEX requests_market ON requests (status, category, id);
CREATE INDEX requests_expiry ON requests (status, expires_at);
COMMENT ON TABLE requests IS 'A consumer''s request for work.';
COMMENT ON COLUMN requests.user_id IS 'the consumer''s user: the owner, kept here so that standing needs no second look-up';
COMMENT ON COLUMN requests.budget_min IS 'minor units';
COMMENT ON COLUMN requests.budget_max IS 'minor units';
COMMENT ON COLUMN requests.currency IS 'ISO 4217 code of every amount in this row';
COMMENT ON COLUMN requests.address IS 'where the work is; only the owner and a booking''s parties see it';
COMMENT ON COLUMN requests.wanted_at IS 'when the work is wanted';
COMMENT ON COLUMN requests.revision IS 'grows when it is edited while offers are live';
COMMENT ON COLUMN requests.expires_at IS 'set when published; held at read time too';

CREATE TABLE offers (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    request_id TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
    provider_id TEXT COLLATE "C" NOT NULL REFERENCES providers (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    consumer_user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    price BIGINT NOT NULL CHECK (price >= 0),
    currency TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3),
    message TEXT COLLATE "C" NOT NULL,
    slot_start BIGINT NOT NULL,
    slot_end BIGINT NOT NULL CHECK (slot_end > slot_start),
    valid_until BIGINT NOT NULL,
    request_revision BIGINT NOT NULL,
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'countered', 'accepted', 'declined', 'withdrawn', 'expired', 'not_selected', 'voided', 'removed')),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX offers_one_live ON offers (request_id, provider_id) WHERE status IN ('pending', 'countered');
CREATE UNIQUE INDEX offers_one_accepted ON offers (request_id) WHERE status = 'accepted';
CREATE INDEX offers_request ON offers (request_id, id);
CREATE INDEX offers_user ON offers (user_id, id);
CREATE INDEX offers_expiry ON offers (status, valid_until);
COMMENT ON TABLE offers IS 'A provider''s offer on a request.';
COMMENT ON COLUMN offers.user_id IS 'the provider''s user: the owner';
COMMENT ON COLUMN offers.consumer_user_id IS 'the request''s owner: the other side';
COMMENT ON COLUMN offers.price IS 'minor units';
COMMENT ON COLUMN offers.currency IS 'ISO 4217 code of every amount in this row';
COMMENT ON COLUMN offers.slot_start IS 'proposed slot [start, end)';
COMMENT ON COLUMN offers.valid_until IS 'held at read time too';
COMMENT ON COLUMN offers.request_revision IS 'the request''s revision this offer was made or affirmed on';
COMMENT ON COLUMN offers.version IS 'what accept names, so that nobody accepts what they have not seen';

CREATE TABLE bookings (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    offer_id TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES offers (id),
    request_id TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
    consumer_id TEXT COLLATE "C" NOT NULL REFERENCES consumers (id),
    provider_id TEXT COLLATE "C" NOT NULL REFERENCES providers (id),
    consumer_user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    provider_user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    price BIGINT NOT NULL CHECK (price >= 0),
    currency TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3),
    slot_start BIGINT NOT NULL,
    slot_end BIGINT NOT NULL CHECK (slot_end > slot_start),
    address TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('confirmed', 'in_progress', 'completed', 'cancelled', 'no_show', 'disputed')),
    completed_by TEXT COLLATE "C" REFERENCES users (id),
    cancelled_by TEXT COLLATE "C" REFERENCES users (id),
    cancel_reason TEXT COLLATE "C",
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX bookings_one_live ON bookings (request_id) WHERE status <> 'cancelled';
CREATE INDEX bookings_consumer ON bookings (consumer_user_id, id);
CREATE INDEX bookings_provider ON bookings (provider_user_id, id);
CREATE INDEX bookings_slots ON bookings (provider_id, slot_start);
COMMENT ON TABLE bookings IS 'What an accepted offer became.';
COMMENT ON COLUMN bookings.consumer_user_id IS 'a party';
COMMENT ON COLUMN bookings.provider_user_id IS 'a party';
COMMENT ON COLUMN bookings.price IS 'minor units';
COMMENT ON COLUMN bookings.currency IS 'ISO 4217 code of every amount in this row';
COMMENT ON COLUMN bookings.slot_start IS 'slot [start, end)';
COMMENT ON COLUMN bookings.address IS 'only the parties see it';

CREATE TABLE sessions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    request_id TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
    booking_id TEXT COLLATE "C" REFERENCES bookings (id),
    consumer_user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    provider_user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (request_id, provider_user_id)
);
CREATE INDEX sessions_consumer ON sessions (consumer_user_id, id);
CREATE INDEX sessions_provider ON sessions (provider_user_id, id);
COMMENT ON TABLE sessions IS 'The chat of a consumer and a provider about a request or booking.';
COMMENT ON COLUMN sessions.consumer_user_id IS 'a party';
COMMENT ON COLUMN sessions.provider_user_id IS 'a party';

CREATE TABLE messages (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    session_id TEXT COLLATE "C" NOT NULL REFERENCES sessions (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    client_msg_id TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (session_id, user_id, client_msg_id),
    UNIQUE (session_id, seq)
);
COMMENT ON TABLE messages IS 'Chat messages; each is also an event of its session''s room.';
COMMENT ON COLUMN messages.user_id IS 'who wrote it';
COMMENT ON COLUMN messages.client_msg_id IS 'the writer''s own key: the same again is the same message';
COMMENT ON COLUMN messages.seq IS 'its event''s position in the room';

CREATE TABLE read_markers (
    room TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    seq BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (room, user_id)
);
COMMENT ON TABLE read_markers IS 'How far a user has read in a room.';

CREATE TABLE projects (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    booking_id TEXT COLLATE "C" UNIQUE REFERENCES bookings (id),
    created_by TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    title TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
COMMENT ON TABLE projects IS 'A kanban board; a booking opens one.';

CREATE TABLE project_members (
    project_id TEXT COLLATE "C" NOT NULL REFERENCES projects (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('owner', 'editor', 'viewer')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, user_id)
);
CREATE INDEX project_members_user ON project_members (user_id, project_id);
COMMENT ON TABLE project_members IS 'Who may see and change a project.';

CREATE TABLE rooms (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    head BIGINT NOT NULL CHECK (head >= 0)
);
COMMENT ON TABLE rooms IS 'Head of each room''s event log; its row lock orders the room''s writers.';
COMMENT ON COLUMN rooms.head IS 'seq of the newest event';

CREATE TABLE events (
    room TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL CHECK (seq > 0),
    kind TEXT COLLATE "C" NOT NULL,
    by_user TEXT COLLATE "C",
    at BIGINT NOT NULL,
    data TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (room, seq)
);
COMMENT ON TABLE events IS 'The event log: what live sessions get and what reconnecting ones replay.';
COMMENT ON COLUMN events.seq IS 'gapless per room';
COMMENT ON COLUMN events.kind IS '<noun>.<past verb>';
COMMENT ON COLUMN events.by_user IS 'absent: the system';
COMMENT ON COLUMN events.data IS 'JSON';

CREATE TABLE audit (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT COLLATE "C",
    impersonator TEXT COLLATE "C",
    outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('refused', 'admin', 'done')),
    action TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    row_id TEXT COLLATE "C",
    detail TEXT COLLATE "C",
    call_id TEXT COLLATE "C"
);
CREATE INDEX audit_row ON audit (kind, row_id, id);
CREATE INDEX audit_actor ON audit (actor, id);
COMMENT ON TABLE audit IS 'Who, as whom, did or was refused what. Append-only.';
COMMENT ON COLUMN audit.actor IS 'absent: nobody was authenticated';
COMMENT ON COLUMN audit.impersonator IS '`act` of an outside token';
COMMENT ON COLUMN audit.kind IS 'the resource''s noun';
COMMENT ON COLUMN audit.detail IS 'old values or the reason, JSON';
COMMENT ON COLUMN audit.call_id IS 'X-Request-Id';

CREATE TABLE idempotency_keys (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    key TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    status INTEGER NOT NULL,
    location TEXT COLLATE "C",
    etag TEXT COLLATE "C",
    body TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
COMMENT ON TABLE idempotency_keys IS 'Answers kept for a repeated Idempotency-Key, written in the transaction of the first.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'SHA-256 of method, path and body: the same key with another request is refused';
COMMENT ON COLUMN idempotency_keys.status IS 'HTTP status; 0 while the first is under way';

-- No two active bookings of a provider overlap, whatever the code believes.
CREATE EXTENSION IF NOT EXISTS btree_gist;
ALTER TABLE bookings ADD CONSTRAINT bookings_no_overlap EXCLUDE USING gist (
    provider_id WITH =,
    int8range(slot_start, slot_end, '[)') WITH &&
) WHERE (status IN ('confirmed', 'in_progress'));

-- The audit trail only grows.
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only';
END $$;
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
