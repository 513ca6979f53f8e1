-- Plans of work, drafted in a conversation and deleted with it; the plan itself is JSON.
CREATE TABLE masterplans (
    id TEXT NOT NULL PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id),
    request_id TEXT REFERENCES requests (id),
    title TEXT NOT NULL,
    category TEXT,
    generator TEXT NOT NULL CHECK (generator <> ''),
    plan TEXT NOT NULL CHECK (length(plan) <= 1048576),
    project_id TEXT REFERENCES projects (id),
    applied_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((project_id IS NULL) = (applied_at IS NULL)),
    CHECK (typeof(applied_at) IN ('integer', 'null')),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE INDEX masterplans_conversation ON masterplans (conversation_id, id);
