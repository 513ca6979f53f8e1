-- Unlogged: the rows live for seconds or minutes. If the server crashes, they are gone: tickets are asked for again,
-- and failed logins are counted from zero.
CREATE UNLOGGED TABLE tickets (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL,
    sealed_token TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX tickets_user_id ON tickets (user_id, expires_at);
CREATE INDEX tickets_expires_at ON tickets (expires_at);
COMMENT ON TABLE tickets IS 'Tickets for WebSocket handshakes that nobody has redeemed yet.';
COMMENT ON COLUMN tickets.id IS 'a fingerprint of the ticket';
COMMENT ON COLUMN tickets.user_id IS 'bounds how many tickets one user has';
COMMENT ON COLUMN tickets.sealed_token IS 'the access token, encrypted with a key that only the ticket gives';

CREATE UNLOGGED TABLE failed_logins (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    full_at BIGINT NOT NULL
);
CREATE INDEX failed_logins_full_at ON failed_logins (full_at);
COMMENT ON TABLE failed_logins IS 'How far each account, device, address and network has used up its failed logins.';
COMMENT ON COLUMN failed_logins.key IS 'a keyed hash of what is counted by';
COMMENT ON COLUMN failed_logins.full_at IS 'when the whole budget is there again; the row means nothing from then on';

CREATE UNLOGGED TABLE login_attempts (
    key TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (key, id)
);
COMMENT ON TABLE login_attempts IS 'Attempts to log in whose password is being verified: each holds a place in every budget that it may use up.';
COMMENT ON COLUMN login_attempts.key IS 'as in failed_logins';
COMMENT ON COLUMN login_attempts.expires_at IS 'when the place is free again if the server that held it has died';
