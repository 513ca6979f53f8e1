-- The data key of each user with a journal; it seals what the user writes there.
CREATE TABLE journal_keys (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    key_id TEXT NOT NULL CHECK (key_id <> ''),
    sealed_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CHECK (typeof(created_at) IN ('integer'))
);
CREATE INDEX journal_keys_key ON journal_keys (key_id);

-- Whether title and text are sealed with the owner's data key; rows of older versions are sealed at start.
ALTER TABLE entries ADD COLUMN sealed BOOLEAN NOT NULL DEFAULT FALSE CHECK (sealed IN (TRUE, FALSE));
CREATE INDEX entries_unsealed ON entries (id) WHERE NOT sealed;

-- What a generator wrote about a journal entry, sealed like the entry.
CREATE TABLE reflections (
    id TEXT NOT NULL PRIMARY KEY,
    entry_id TEXT NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id),
    entry_version BIGINT NOT NULL,
    generator TEXT NOT NULL CHECK (generator <> ''),
    text TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CHECK (typeof(entry_version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer'))
);
CREATE INDEX reflections_entry ON reflections (entry_id, id);
