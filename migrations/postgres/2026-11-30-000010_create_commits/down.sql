DROP TABLE commit_readers;
DROP TABLE commits;
