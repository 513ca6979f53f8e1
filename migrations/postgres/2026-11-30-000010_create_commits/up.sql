CREATE TABLE commits (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    node TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    rooms TEXT COLLATE "C" NOT NULL,
    revocations TEXT COLLATE "C" NOT NULL,
    admin_events TEXT COLLATE "C"
);
-- Not unique: a dump that is restored brings the transaction numbers of another server.
CREATE INDEX commits_xid ON commits (xid);
CREATE INDEX commits_at ON commits (at);
COMMENT ON TABLE commits IS 'What each commit announces, for the other nodes. Kept for an hour.';
COMMENT ON COLUMN commits.xid IS 'the transaction that wrote the row';
COMMENT ON COLUMN commits.node IS 'the process that wrote the row';
COMMENT ON COLUMN commits.rooms IS 'JSON: [[room, seq of the first appended event, seq of the last], …]';
COMMENT ON COLUMN commits.revocations IS 'JSON: the rights that ended';
COMMENT ON COLUMN commits.admin_events IS 'JSON: events for the room `admin`, which one node appends; absent: none';

CREATE TABLE commit_readers (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    position TEXT COLLATE "C" NOT NULL
);
COMMENT ON TABLE commit_readers IS 'How far a reader that all nodes share has read `commits`.';
COMMENT ON COLUMN commit_readers.position IS 'a snapshot (pg_snapshot): commits that it sees have been read';

INSERT INTO commit_readers (name, position) VALUES ('admin', pg_current_snapshot()::text);
