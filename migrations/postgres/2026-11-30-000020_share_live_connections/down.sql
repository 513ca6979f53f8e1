DROP TABLE leases;
DROP TABLE live_connections;
DROP TABLE nodes;
