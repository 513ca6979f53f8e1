-- What was said in a conversation; each message is also an event of its room. A message of the user names its answer
-- before there is one, so that an answer cannot be stored twice.
CREATE TABLE conversation_messages (
    id TEXT NOT NULL PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    author TEXT NOT NULL CHECK (author IN ('user', 'assistant')),
    client_msg_id TEXT,
    text TEXT NOT NULL,
    seq BIGINT NOT NULL,
    answer_id TEXT UNIQUE,
    answers_to TEXT UNIQUE REFERENCES conversation_messages (id) ON DELETE CASCADE,
    generator TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (conversation_id, client_msg_id),
    UNIQUE (conversation_id, seq),
    CHECK ((author = 'user') = (client_msg_id IS NOT NULL)),
    CHECK ((author = 'user') = (answer_id IS NOT NULL)),
    CHECK ((author = 'assistant') = (answers_to IS NOT NULL)),
    CHECK ((author = 'assistant') = (generator IS NOT NULL)),
    CHECK (typeof(seq) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer'))
);
