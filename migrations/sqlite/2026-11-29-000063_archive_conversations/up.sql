-- Conversations that are nobody's, taken from a placeholder user of an older system. No user reads them.
CREATE TABLE archived_conversations (
    id TEXT NOT NULL PRIMARY KEY,
    title TEXT,
    created_at BIGINT NOT NULL,
    archived_at BIGINT NOT NULL,
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(archived_at) IN ('integer'))
);
CREATE TABLE archived_messages (
    id TEXT NOT NULL PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES archived_conversations (id) ON DELETE CASCADE,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    seq BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (conversation_id, seq),
    CHECK (typeof(seq) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer'))
);
