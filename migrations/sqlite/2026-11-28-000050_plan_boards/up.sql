-- The columns of a project's board, in the order of their positions.
CREATE TABLE board_columns (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL CHECK (name <> ''),
    position BIGINT NOT NULL CHECK (position >= 0),
    wip_limit INTEGER CHECK (wip_limit > 0),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (typeof(position) IN ('integer')),
    CHECK (typeof(wip_limit) IN ('integer', 'null')),
    CHECK (typeof(version) IN ('integer')),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(updated_at) IN ('integer'))
);
CREATE INDEX board_columns_project ON board_columns (project_id, position);

ALTER TABLE tasks ADD COLUMN column_id TEXT REFERENCES board_columns (id);
ALTER TABLE tasks ADD COLUMN assignee_id TEXT REFERENCES users (id);
ALTER TABLE tasks ADD COLUMN due_at BIGINT CHECK (typeof(due_at) IN ('integer', 'null'));
ALTER TABLE tasks ADD COLUMN labels TEXT NOT NULL DEFAULT '[]' CHECK (length(labels) <= 8192);
ALTER TABLE tasks ADD COLUMN checklist TEXT NOT NULL DEFAULT '[]' CHECK (length(checklist) <= 65536);
ALTER TABLE tasks ADD COLUMN archived_at BIGINT CHECK (typeof(archived_at) IN ('integer', 'null'));
CREATE INDEX tasks_column ON tasks (column_id, position) WHERE archived_at IS NULL;
CREATE INDEX tasks_live ON tasks (project_id, id) WHERE archived_at IS NULL;

-- What members say about a task.
CREATE TABLE task_comments (
    id TEXT NOT NULL PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    text TEXT NOT NULL CHECK (text <> ''),
    created_at BIGINT NOT NULL,
    CHECK (typeof(created_at) IN ('integer'))
);
CREATE INDEX task_comments_task ON task_comments (task_id, id);

-- Invitations to a project: of one user, or of whoever holds the link, of whose secret only the hash is kept.
CREATE TABLE project_invitations (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    invited_by TEXT NOT NULL REFERENCES users (id),
    user_id TEXT REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'editor', 'viewer')),
    secret_hash TEXT UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    used_by TEXT REFERENCES users (id),
    revoked_at BIGINT,
    CHECK ((user_id IS NULL) <> (secret_hash IS NULL)),
    CHECK (typeof(created_at) IN ('integer')),
    CHECK (typeof(expires_at) IN ('integer')),
    CHECK (typeof(used_at) IN ('integer', 'null')),
    CHECK (typeof(revoked_at) IN ('integer', 'null'))
);
CREATE INDEX project_invitations_project ON project_invitations (project_id, id);
CREATE INDEX project_invitations_user ON project_invitations (user_id, id);

-- The columns of a new board. By a trigger, because servers of the release before open projects as well while servers
-- are replaced. The ids are UUIDs of version 8, derived from the project's.
CREATE TRIGGER projects_first_columns AFTER INSERT ON projects
BEGIN
    INSERT INTO board_columns (id, project_id, name, position, version, created_at, updated_at)
    SELECT
        substr(NEW.id, 1, 14) || '8' || substr(NEW.id, 16, 4) || variant || substr(NEW.id, 21),
        NEW.id, name, position, 1, NEW.created_at, NEW.created_at
    FROM (
        SELECT '8' AS variant, 'To do' AS name, 0 AS position
        UNION ALL SELECT '9', 'In progress', 1
        UNION ALL SELECT 'a', 'Done', 2
    );
END;

-- A task of a server of the release before: it knows no columns. The last digit keeps room before the position.
CREATE TRIGGER tasks_first_column AFTER INSERT ON tasks WHEN NEW.column_id IS NULL
BEGIN
    UPDATE tasks
    SET
        column_id = (
            SELECT id FROM board_columns WHERE project_id = NEW.project_id ORDER BY position LIMIT 1
        ),
        position = NEW.position || '8'
    WHERE id = NEW.id;
END;

INSERT INTO board_columns (id, project_id, name, position, version, created_at, updated_at)
SELECT
    substr(projects.id, 1, 14) || '8' || substr(projects.id, 16, 4) || variant || substr(projects.id, 21),
    projects.id, name, position, 1, projects.created_at, projects.created_at
FROM projects CROSS JOIN (
    SELECT '8' AS variant, 'To do' AS name, 0 AS position
    UNION ALL SELECT '9', 'In progress', 1
    UNION ALL SELECT 'a', 'Done', 2
) AS first_columns;

UPDATE tasks
SET
    column_id = (
        SELECT id FROM board_columns
        WHERE board_columns.project_id = tasks.project_id AND board_columns.position = 0
    ),
    position = position || '8';
