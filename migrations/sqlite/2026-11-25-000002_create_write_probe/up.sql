-- What readiness probes write: one row, so that a full disk or a read-only file is noticed. The filler makes it as large as
-- a write may well be: on a disk that is almost full, small ones succeed for longer.
CREATE TABLE write_probe (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    writes BIGINT NOT NULL CHECK (typeof(writes) IN ('integer')),
    filler TEXT NOT NULL
);
