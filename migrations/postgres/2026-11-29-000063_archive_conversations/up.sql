CREATE TABLE archived_conversations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    title TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    archived_at BIGINT NOT NULL
);
CREATE TABLE archived_messages (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES archived_conversations (id) ON DELETE CASCADE,
    author TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (conversation_id, seq)
);
COMMENT ON TABLE archived_conversations IS 'Conversations that are nobody''s, taken from a placeholder user of an older system. No user reads them.';
COMMENT ON TABLE archived_messages IS 'The messages of archived conversations.';
COMMENT ON COLUMN archived_conversations.created_at IS 'when the conversation began';
COMMENT ON COLUMN archived_messages.seq IS 'position in the conversation';
