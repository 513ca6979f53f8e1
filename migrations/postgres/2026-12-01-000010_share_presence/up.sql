-- Unlogged, as `live_connections`.
CREATE UNLOGGED TABLE room_members (
    room TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (room, user_id, node)
);
CREATE INDEX room_members_node ON room_members (node);
COMMENT ON TABLE room_members IS 'The users whom each node has in each room, where members see who else is there.';

ALTER TABLE commits ADD COLUMN presence TEXT;
COMMENT ON COLUMN commits.presence IS 'JSON: who came to rooms on the node, or left them; NULL if nobody did';

ALTER TABLE live_connections ADD COLUMN project_id TEXT COLLATE "C", ADD COLUMN client_id TEXT COLLATE "C";
CREATE INDEX live_connections_board ON live_connections (project_id, user_id, client_id) WHERE project_id IS NOT NULL;
COMMENT ON COLUMN live_connections.project_id IS 'the board that it was opened for, if any';
COMMENT ON COLUMN live_connections.client_id IS 'the client''s own id at that board';
