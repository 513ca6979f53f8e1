-- Written by commands that run beside a server, and read by the server.
CREATE TABLE commits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node TEXT NOT NULL,
    at BIGINT NOT NULL,
    rooms TEXT NOT NULL,
    revocations TEXT NOT NULL,
    admin_events TEXT
);
CREATE INDEX commits_at ON commits (at);

-- For PostgreSQL, where the room `admin` is filled from `commits`.
CREATE TABLE commit_readers (
    name TEXT NOT NULL PRIMARY KEY,
    position TEXT NOT NULL
);
