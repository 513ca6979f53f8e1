-- For PostgreSQL, which several servers share. Empty here.
CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);

CREATE TABLE live_connections (
    id TEXT NOT NULL PRIMARY KEY,
    node TEXT NOT NULL,
    user_id TEXT NOT NULL,
    login_id TEXT,
    issuer TEXT,
    endpoint TEXT NOT NULL,
    address TEXT NOT NULL,
    since BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    rooms BIGINT NOT NULL
);

CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    node TEXT NOT NULL,
    ends_at BIGINT NOT NULL
);
