DROP TABLE reflections;
DROP INDEX entries_unsealed;
ALTER TABLE entries DROP COLUMN sealed;
DROP TABLE journal_keys;
