DROP TABLE live_connections;
DROP TABLE nodes;
