-- Unlogged: after a crash of the server they are empty, and each node writes its rows again.
CREATE UNLOGGED TABLE nodes (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
COMMENT ON TABLE nodes IS 'The servers on this database. Rows of one that has been silent for 10 s do not count.';
COMMENT ON COLUMN nodes.seen_at IS 'when it last wrote here, by the clock of PostgreSQL';

CREATE UNLOGGED TABLE live_connections (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    node TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    login_id TEXT COLLATE "C",
    issuer TEXT COLLATE "C",
    endpoint TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    rooms BIGINT NOT NULL
);
CREATE INDEX live_connections_user ON live_connections (user_id, id);
CREATE INDEX live_connections_node ON live_connections (node);
COMMENT ON TABLE live_connections IS 'The live connections of all nodes.';
COMMENT ON COLUMN live_connections.node IS 'the server that has it';
COMMENT ON COLUMN live_connections.last_seen_at IS 'as of the last copy, like messages and rooms: some seconds ago';

CREATE UNLOGGED TABLE leases (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    node TEXT COLLATE "C" NOT NULL,
    ends_at BIGINT NOT NULL
);
COMMENT ON TABLE leases IS 'Which node does for a while what one node should do (`leader`).';
COMMENT ON COLUMN leases.ends_at IS 'by the clock of PostgreSQL; until then no other node takes it';
