CREATE TABLE journal_keys (
    user_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id),
    key_id TEXT COLLATE "C" NOT NULL CHECK (key_id <> ''),
    sealed_key TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX journal_keys_key ON journal_keys (key_id);
COMMENT ON TABLE journal_keys IS 'The data key of each user with a journal; it seals what the user writes there.';
COMMENT ON COLUMN journal_keys.key_id IS 'which key-encryption key sealed it: the first 16 hex digits of that key''s SHA-256';
COMMENT ON COLUMN journal_keys.sealed_key IS 'the data key, sealed with the key-encryption key; AES-256-GCM, base64';

ALTER TABLE entries ADD COLUMN sealed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX entries_unsealed ON entries (id) WHERE NOT sealed;
COMMENT ON COLUMN entries.sealed IS 'whether title and text are sealed with the owner''s data key; rows of older versions are sealed at start';
COMMENT ON COLUMN entries.title IS 'AES-256-GCM, base64, if sealed';
COMMENT ON COLUMN entries.text IS 'AES-256-GCM, base64, if sealed';

CREATE TABLE reflections (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    entry_id TEXT COLLATE "C" NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    entry_version BIGINT NOT NULL,
    generator TEXT COLLATE "C" NOT NULL CHECK (generator <> ''),
    text TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX reflections_entry ON reflections (entry_id, id);
COMMENT ON TABLE reflections IS 'What a generator wrote about a journal entry.';
COMMENT ON COLUMN reflections.user_id IS 'the owner of the entry, and the only one who may read it';
COMMENT ON COLUMN reflections.entry_version IS 'the version of the entry that it is about';
COMMENT ON COLUMN reflections.generator IS 'what wrote it';
COMMENT ON COLUMN reflections.text IS 'sealed with the owner''s data key; AES-256-GCM, base64';
