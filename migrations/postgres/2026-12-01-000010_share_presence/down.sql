DROP INDEX live_connections_board;
ALTER TABLE live_connections DROP COLUMN client_id, DROP COLUMN project_id;
ALTER TABLE commits DROP COLUMN presence;
DROP TABLE room_members;
