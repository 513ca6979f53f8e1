CREATE TABLE conversation_messages (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    author TEXT COLLATE "C" NOT NULL CHECK (author IN ('user', 'assistant')),
    client_msg_id TEXT COLLATE "C",
    text TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    answer_id TEXT COLLATE "C" UNIQUE,
    answers_to TEXT COLLATE "C" UNIQUE REFERENCES conversation_messages (id) ON DELETE CASCADE,
    generator TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    UNIQUE (conversation_id, client_msg_id),
    UNIQUE (conversation_id, seq),
    CHECK ((author = 'user') = (client_msg_id IS NOT NULL)),
    CHECK ((author = 'user') = (answer_id IS NOT NULL)),
    CHECK ((author = 'assistant') = (answers_to IS NOT NULL)),
    CHECK ((author = 'assistant') = (generator IS NOT NULL))
);
COMMENT ON TABLE conversation_messages IS 'What was said in a conversation; each message is also an event of its room.';
COMMENT ON COLUMN conversation_messages.author IS 'the owner of the conversation, or the assistant';
COMMENT ON COLUMN conversation_messages.client_msg_id IS 'the id that the user''s client gave it: the same one is the same message';
COMMENT ON COLUMN conversation_messages.seq IS 'position in the conversation''s room';
COMMENT ON COLUMN conversation_messages.answer_id IS 'the id that the answer to it has or will have';
COMMENT ON COLUMN conversation_messages.answers_to IS 'the message that an answer answers; at most one does';
COMMENT ON COLUMN conversation_messages.generator IS 'what wrote the answer';
