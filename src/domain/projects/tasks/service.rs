//! Use cases of tasks: creating, reading, listing, updating. Moving and archiving are in `moves.rs`.

use crate::db::UnitOfWork;
use crate::domain::policy::{Authorized, Scope, authorize};
use crate::domain::projects::{self, PLAN, Project, columns};
use crate::domain::{Error, Kind, Page, Slice};
use crate::ids::{ColumnId, ProjectId, TaskId, UserId};

use super::content::{Checklist, Labels};
use super::events::{Change, TaskChanged, TaskVersion, TasksUnassigned};
use super::placement::{position_for, rebalance_if_long};
use super::repository::Archived;
use super::{MOST_TASKS, Place, Position, Task, TaskChanges, TaskText, TaskTitle, repository};

/// A task to create.
#[derive(Clone, Debug)]
pub(crate) struct NewTask {
    /// Its column; the board's first one if `None`.
    pub(crate) column: Option<ColumnId>,
    /// Where in the column.
    pub(crate) place: Place<TaskId>,
    /// What it contains; a title is required.
    pub(crate) content: TaskChanges,
}

/// Creates a task.
pub(crate) fn create(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    new: &NewTask,
) -> Result<Task, Error> {
    let project = projects::repository::lock(uow, project)?;
    let project = authorize(uow, scope, project, PLAN)?;
    let NewTask { column, place, content } = new.clone();
    let title = content.title.clone().ok_or_else(|| Error::invalid("title", "is required"))?;
    check_assignee(&project, content.assignee.flatten())?;
    check_room(uow, &project)?;
    let now = uow.now();
    let id = TaskId::new(now);
    let column = columns::find_or_first(uow, &project, column)?;
    columns::check_limit(&column, repository::count_in(uow, column.id)?)?;
    let position = position_for(uow, column.id, place, id)?;
    let task = content.applied_to(&Task::empty(&project, scope.user(), id, title, column.id, position, now)?);
    repository::insert(uow, &project, &task)?;
    uow.record(Some(scope.user()), &TaskChanged::new(Change::Created, &task));
    rebalance_if_long(uow, &project, task)
}

impl Task {
    fn empty(
        project: &Project,
        created_by: UserId,
        id: TaskId,
        title: TaskTitle,
        column: ColumnId,
        position: Position,
        now: crate::clock::Timestamp,
    ) -> Result<Self, Error> {
        Ok(Self {
            id,
            project_id: project.id,
            column_id: Some(column),
            position,
            created_by,
            title,
            text: TaskText::parse("").map_err(|must| Error::invalid("text", must))?,
            assignee_id: None,
            due_at: None,
            labels: Labels::default(),
            checklist: Checklist::default(),
            archived_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }
}

/// A task of a project that the caller may read.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    id: TaskId,
) -> Result<Task, Error> {
    let project = projects::find(uow, scope, project)?;
    load(uow, &project, id)
}

/// The tasks of a project that the caller may read, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    archived: Archived,
    page: Page<TaskId>,
) -> Result<Slice<Task, TaskId>, Error> {
    let project = projects::find(uow, scope, project)?;
    let rows = repository::list(uow, &project, archived, page)?;
    Ok(page.slice(rows, |task| task.id))
}

/// Up to `limit` tasks on the board after this one, oldest first.
pub(crate) fn page_of_board(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    after: Option<TaskId>,
    limit: i64,
) -> Result<Vec<Task>, Error> {
    Ok(repository::on_board(uow, project, after, limit)?)
}

/// Changes what a task contains.
pub(crate) fn update(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    id: TaskId,
    seen: Option<i64>,
    changes: &TaskChanges,
) -> Result<Task, Error> {
    let (project, task) = load_to_change(uow, scope, project, id)?;
    Error::if_changed(Kind::Task, &task, task.version, seen)?;
    check_on_board(&task)?;
    let changed = changes.clone().applied_to(&task);
    if changed == task {
        return Ok(task);
    }
    if changed.assignee_id != task.assignee_id {
        check_assignee(&project, changed.assignee_id)?;
    }
    let task = Task { version: task.version + 1, updated_at: uow.now(), ..changed };
    repository::update(uow, &project, &task)?;
    uow.record(Some(scope.user()), &TaskChanged::new(Change::Updated, &task));
    Ok(task)
}

/// Removes a user who is about to leave the project from their tasks. A step of removing a member.
pub(crate) fn unassign(
    uow: &mut UnitOfWork<'_>,
    by: UserId,
    project: &Authorized<Project>,
    user: UserId,
) -> Result<(), Error> {
    let theirs = repository::assigned_to(uow, project, user)?;
    // Archived ones as well, which nobody is told of: they may be any number.
    repository::unassign(uow, project, user)?;
    if theirs.is_empty() {
        return Ok(());
    }
    let tasks = theirs.into_iter().map(|(task_id, version)| TaskVersion { task_id, version: version + 1 });
    let event = TasksUnassigned {
        project_id: project.id,
        user_id: user,
        tasks: tasks.collect(),
        updated_at: uow.now(),
    };
    uow.record(Some(by), &event);
    Ok(())
}

/// Locks the board, and finds the task that an editor wants to change.
pub(in crate::domain::projects) fn load_to_change(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    id: TaskId,
) -> Result<(Authorized<Project>, Task), Error> {
    let project = projects::repository::lock(uow, project)?;
    let project = authorize(uow, scope, project, PLAN)?;
    let task = load(uow, &project, id)?;
    Ok((project, task))
}

fn load(uow: &mut UnitOfWork<'_>, project: &Authorized<Project>, id: TaskId) -> Result<Task, Error> {
    repository::find(uow, project, id)?.ok_or(Error::NotFound(Kind::Task))
}

/// An archived task can only be restored.
pub(super) fn check_on_board(task: &Task) -> Result<(), Error> {
    match task.archived_at {
        None => Ok(()),
        Some(_) => Err(Error::Taken { code: "task_archived", detail: "it is archived: restore it first" }),
    }
}

/// Refuses one more task than a board may have.
pub(super) fn check_room(uow: &mut UnitOfWork<'_>, project: &Authorized<Project>) -> Result<(), Error> {
    if repository::count(uow, project)? < MOST_TASKS {
        return Ok(());
    }
    let detail = format!("the board has {MOST_TASKS} tasks, which is the most: archive some");
    Err(Error::Full { code: "board_full", detail })
}

fn check_assignee(project: &Project, assignee: Option<UserId>) -> Result<(), Error> {
    match assignee {
        Some(user) if project.member(user).is_none() => {
            Err(Error::invalid("assignee_id", "must be a member of the project"))
        }
        _ => Ok(()),
    }
}
