//! Use cases of tasks: creating, reading, listing.

use crate::db::UnitOfWork;
use crate::domain::policy::{Scope, authorize};
use crate::domain::projects::{self, PLAN};
use crate::domain::{Error, Kind, Page, Slice};
use crate::ids::{ProjectId, TaskId};

use super::{Position, Status, Task, TaskCreated, TaskText, TaskTitle, repository};

/// A task to create.
#[derive(Clone, Debug)]
pub(crate) struct NewTask {
    /// Title, as on the board.
    pub(crate) title: TaskTitle,
    /// Description.
    pub(crate) text: TaskText,
}

/// Creates a task at the end of the board's first column.
pub(crate) fn create(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    new: &NewTask,
) -> Result<Task, Error> {
    let project = projects::repository::find(uow, project)?;
    let project = authorize(uow, scope, project, PLAN)?;
    let now = uow.now();
    let id = TaskId::new(now);
    let NewTask { title, text } = new.clone();
    let task = Task {
        id,
        project_id: project.id,
        created_by: scope.user(),
        title,
        text,
        status: Status::Todo,
        position: Position::of_new(id),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    repository::insert(uow, &project, &task)?;
    uow.record(Some(scope.user()), &TaskCreated::new(&task));
    Ok(task)
}

/// A task of a project that the caller may read.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    id: TaskId,
) -> Result<Task, Error> {
    let project = projects::find(uow, scope, project)?;
    repository::find(uow, &project, id)?.ok_or(Error::NotFound(Kind::Task))
}

/// The tasks of a project that the caller may read, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    page: Page<TaskId>,
) -> Result<Slice<Task, TaskId>, Error> {
    let project = projects::find(uow, scope, project)?;
    let rows = repository::list(uow, &project, page)?;
    Ok(page.slice(rows, |task| task.id))
}
