DROP TABLE simulations;
DROP TABLE conversations;
DROP TABLE entries;
DROP TABLE tasks;
