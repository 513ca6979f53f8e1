CREATE TABLE board_columns (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    project_id TEXT COLLATE "C" NOT NULL REFERENCES projects (id),
    name TEXT COLLATE "C" NOT NULL CHECK (name <> ''),
    position BIGINT NOT NULL CHECK (position >= 0),
    wip_limit INTEGER CHECK (wip_limit > 0),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX board_columns_project ON board_columns (project_id, position);
COMMENT ON TABLE board_columns IS 'The columns of a project''s board, in the order of their positions.';
COMMENT ON COLUMN board_columns.wip_limit IS 'most tasks that may be in it at once (work in progress); null for no limit';

ALTER TABLE tasks ADD COLUMN column_id TEXT COLLATE "C" REFERENCES board_columns (id);
ALTER TABLE tasks ADD COLUMN assignee_id TEXT COLLATE "C" REFERENCES users (id);
ALTER TABLE tasks ADD COLUMN due_at BIGINT;
ALTER TABLE tasks ADD COLUMN labels TEXT COLLATE "C" NOT NULL DEFAULT '[]' CHECK (length(labels) <= 8192);
ALTER TABLE tasks ADD COLUMN checklist TEXT COLLATE "C" NOT NULL DEFAULT '[]' CHECK (length(checklist) <= 65536);
ALTER TABLE tasks ADD COLUMN archived_at BIGINT;
CREATE INDEX tasks_column ON tasks (column_id, position) WHERE archived_at IS NULL;
CREATE INDEX tasks_live ON tasks (project_id, id) WHERE archived_at IS NULL;
COMMENT ON COLUMN tasks.status IS 'of the release before, which knew one column; always todo';
COMMENT ON COLUMN tasks.column_id IS 'the column that it is in; null only for an archived task whose column was deleted';
COMMENT ON COLUMN tasks.assignee_id IS 'the member who does it';
COMMENT ON COLUMN tasks.labels IS 'JSON: a list of texts';
COMMENT ON COLUMN tasks.checklist IS 'JSON: a list of objects with text and done';
COMMENT ON COLUMN tasks.archived_at IS 'null while it is on the board';

CREATE TABLE task_comments (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    task_id TEXT COLLATE "C" NOT NULL REFERENCES tasks (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    text TEXT COLLATE "C" NOT NULL CHECK (text <> ''),
    created_at BIGINT NOT NULL
);
CREATE INDEX task_comments_task ON task_comments (task_id, id);
COMMENT ON TABLE task_comments IS 'What members say about a task.';

CREATE TABLE project_invitations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    project_id TEXT COLLATE "C" NOT NULL REFERENCES projects (id),
    invited_by TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    user_id TEXT COLLATE "C" REFERENCES users (id),
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('owner', 'editor', 'viewer')),
    secret_hash TEXT COLLATE "C" UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    used_by TEXT COLLATE "C" REFERENCES users (id),
    revoked_at BIGINT,
    CHECK ((user_id IS NULL) <> (secret_hash IS NULL))
);
CREATE INDEX project_invitations_project ON project_invitations (project_id, id);
CREATE INDEX project_invitations_user ON project_invitations (user_id, id);
COMMENT ON TABLE project_invitations IS 'Invitations to a project: of one user, or of whoever holds the link.';
COMMENT ON COLUMN project_invitations.user_id IS 'the invited user; null for a link';
COMMENT ON COLUMN project_invitations.secret_hash IS 'SHA-256 of the link''s secret, in hex; null for a user';
COMMENT ON COLUMN project_invitations.revoked_at IS 'when an owner revoked it, or the user declined it';

-- The columns of a new board. By a trigger, because servers of the release before open projects as well while servers
-- are replaced. The ids are UUIDs of version 8, derived from the project's.
CREATE FUNCTION add_first_columns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO board_columns (id, project_id, name, position, version, created_at, updated_at)
    SELECT
        substr(NEW.id, 1, 14) || '8' || substr(NEW.id, 16, 4) || first.variant || substr(NEW.id, 21),
        NEW.id, first.name, first.position, 1, NEW.created_at, NEW.created_at
    FROM (VALUES ('8', 'To do', 0), ('9', 'In progress', 1), ('a', 'Done', 2)) AS first (variant, name, position);
    RETURN NULL;
END $$;
CREATE TRIGGER projects_first_columns AFTER INSERT ON projects
    FOR EACH ROW EXECUTE FUNCTION add_first_columns();

-- A task of a server of the release before: it knows no columns. The last digit keeps room before the position.
CREATE FUNCTION put_into_first_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.column_id := (
        SELECT id FROM board_columns WHERE project_id = NEW.project_id ORDER BY position LIMIT 1
    );
    NEW.position := NEW.position || '8';
    RETURN NEW;
END $$;
CREATE TRIGGER tasks_first_column BEFORE INSERT ON tasks
    FOR EACH ROW WHEN (NEW.column_id IS NULL) EXECUTE FUNCTION put_into_first_column();

INSERT INTO board_columns (id, project_id, name, position, version, created_at, updated_at)
SELECT
    substr(projects.id, 1, 14) || '8' || substr(projects.id, 16, 4) || first.variant || substr(projects.id, 21),
    projects.id, first.name, first.position, 1, projects.created_at, projects.created_at
FROM projects
CROSS JOIN (VALUES ('8', 'To do', 0), ('9', 'In progress', 1), ('a', 'Done', 2)) AS first (variant, name, position);

UPDATE tasks
SET
    column_id = (
        SELECT id FROM board_columns
        WHERE board_columns.project_id = tasks.project_id AND board_columns.position = 0
    ),
    position = tasks.position || '8';
