-- Used on PostgreSQL only, where several servers share them; the one server of a SQLite file keeps the same in memory.
CREATE TABLE tickets (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    sealed_token TEXT NOT NULL,
    expires_at BIGINT NOT NULL CHECK (typeof(expires_at) IN ('integer'))
);
CREATE INDEX tickets_user_id ON tickets (user_id, expires_at);
CREATE INDEX tickets_expires_at ON tickets (expires_at);

CREATE TABLE failed_logins (
    key TEXT NOT NULL PRIMARY KEY,
    full_at BIGINT NOT NULL CHECK (typeof(full_at) IN ('integer'))
);
CREATE INDEX failed_logins_full_at ON failed_logins (full_at);

CREATE TABLE login_attempts (
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    expires_at BIGINT NOT NULL CHECK (typeof(expires_at) IN ('integer')),
    PRIMARY KEY (key, id)
);
