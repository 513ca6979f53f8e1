DROP TABLE masterplans;
