-- The work of a project, on its board.
CREATE TABLE tasks (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    created_by TEXT NOT NULL REFERENCES users (id),
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status <> ''),
    position TEXT NOT NULL CHECK (position <> ''),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE INDEX tasks_project ON tasks (project_id, id);
CREATE INDEX tasks_board ON tasks (project_id, status, position);

-- What somebody wrote into their journal.
CREATE TABLE entries (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    title TEXT,
    text TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE INDEX entries_user ON entries (user_id, id);

-- A user's chat with the assistant.
CREATE TABLE conversations (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    title TEXT,
    is_default BOOLEAN NOT NULL CHECK (is_default IN (TRUE, FALSE)),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE UNIQUE INDEX conversations_one_default ON conversations (user_id) WHERE is_default;
CREATE INDEX conversations_user ON conversations (user_id, id);

-- A pricing run.
CREATE TABLE simulations (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    category TEXT NOT NULL,
    base_price BIGINT NOT NULL CHECK (base_price >= 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    steps INTEGER NOT NULL CHECK (steps > 0),
    seed BIGINT NOT NULL CHECK (seed BETWEEN 0 AND 4294967295),
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'done', 'failed', 'cancelled')),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (typeof(base_price) IN ('integer')),
    CHECK (typeof(steps) IN ('integer')),
    CHECK (typeof(seed) IN ('integer')),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE INDEX simulations_user ON simulations (user_id, id);
CREATE INDEX simulations_live ON simulations (user_id) WHERE status IN ('pending', 'running');
