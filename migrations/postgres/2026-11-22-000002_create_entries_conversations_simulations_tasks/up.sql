CREATE TABLE tasks (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    project_id TEXT COLLATE "C" NOT NULL REFERENCES projects (id),
    created_by TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    title TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL CHECK (status <> ''),
    position TEXT COLLATE "C" NOT NULL CHECK (position <> ''),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX tasks_project ON tasks (project_id, id);
CREATE INDEX tasks_board ON tasks (project_id, status, position);
COMMENT ON TABLE tasks IS 'The work of a project, on its board.';
COMMENT ON COLUMN tasks.created_by IS 'the member who put it there';
COMMENT ON COLUMN tasks.status IS 'the column of the board that it stands in';
COMMENT ON COLUMN tasks.position IS 'order within the column, by bytes; between any two there is room for a third';

CREATE TABLE entries (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    title TEXT COLLATE "C",
    text TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX entries_user ON entries (user_id, id);
COMMENT ON TABLE entries IS 'What somebody wrote into their journal.';
COMMENT ON COLUMN entries.user_id IS 'the owner, and the only one who may read it';

CREATE TABLE conversations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    title TEXT COLLATE "C",
    is_default BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX conversations_one_default ON conversations (user_id) WHERE is_default;
CREATE INDEX conversations_user ON conversations (user_id, id);
COMMENT ON TABLE conversations IS 'A user''s chat with the assistant.';
COMMENT ON COLUMN conversations.user_id IS 'the owner, and the only one who may read it';
COMMENT ON COLUMN conversations.is_default IS 'the one that is meant where none is named';

CREATE TABLE simulations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    category TEXT COLLATE "C" NOT NULL,
    base_price BIGINT NOT NULL CHECK (base_price >= 0),
    currency TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3),
    steps INTEGER NOT NULL CHECK (steps > 0),
    seed BIGINT NOT NULL CHECK (seed BETWEEN 0 AND 4294967295),
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'running', 'done', 'failed', 'cancelled')),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX simulations_user ON simulations (user_id, id);
CREATE INDEX simulations_live ON simulations (user_id) WHERE status IN ('pending', 'running');
COMMENT ON TABLE simulations IS 'A pricing run.';
COMMENT ON COLUMN simulations.user_id IS 'the owner';
COMMENT ON COLUMN simulations.base_price IS 'where prices start: minor units';
COMMENT ON COLUMN simulations.currency IS 'ISO 4217 code of every amount in this row';
COMMENT ON COLUMN simulations.steps IS 'how many steps it takes';
COMMENT ON COLUMN simulations.seed IS 'the same scenario with the same seed gives the same result';
