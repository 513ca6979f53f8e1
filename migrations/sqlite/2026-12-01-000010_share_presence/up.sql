-- For PostgreSQL, which several servers share. Empty here.
CREATE TABLE room_members (
    room TEXT NOT NULL,
    user_id TEXT NOT NULL,
    node TEXT NOT NULL,
    PRIMARY KEY (room, user_id, node)
);
ALTER TABLE commits ADD COLUMN presence TEXT;
ALTER TABLE live_connections ADD COLUMN project_id TEXT;
ALTER TABLE live_connections ADD COLUMN client_id TEXT;
