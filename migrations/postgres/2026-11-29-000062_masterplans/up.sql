CREATE TABLE masterplans (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    request_id TEXT COLLATE "C" REFERENCES requests (id),
    title TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C",
    generator TEXT COLLATE "C" NOT NULL CHECK (generator <> ''),
    plan TEXT COLLATE "C" NOT NULL CHECK (length(plan) <= 1048576),
    project_id TEXT COLLATE "C" REFERENCES projects (id),
    applied_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((project_id IS NULL) = (applied_at IS NULL))
);
CREATE INDEX masterplans_conversation ON masterplans (conversation_id, id);
COMMENT ON TABLE masterplans IS 'Plans of work, drafted in a conversation and deleted with it.';
COMMENT ON COLUMN masterplans.user_id IS 'the owner of the conversation, and the only one who may read it';
COMMENT ON COLUMN masterplans.request_id IS 'the request for work that it is about';
COMMENT ON COLUMN masterplans.plan IS 'summary, phases and tasks: JSON';
COMMENT ON COLUMN masterplans.project_id IS 'the project to whose board it was applied';
