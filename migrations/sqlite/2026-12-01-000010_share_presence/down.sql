ALTER TABLE live_connections DROP COLUMN client_id;
ALTER TABLE live_connections DROP COLUMN project_id;
ALTER TABLE commits DROP COLUMN presence;
DROP TABLE room_members;
