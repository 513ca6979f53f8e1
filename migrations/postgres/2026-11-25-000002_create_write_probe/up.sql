CREATE TABLE write_probe (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    writes BIGINT NOT NULL,
    filler TEXT COLLATE "C" NOT NULL
);
COMMENT ON TABLE write_probe IS 'What readiness probes write: one row, so that a full disk or a read-only server is noticed.';
COMMENT ON COLUMN write_probe.filler IS 'used on SQLite only: PostgreSQL writes to files of its own, made in advance';
