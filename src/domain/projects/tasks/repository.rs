//! Storage of tasks: queries and writes, no decisions. Writes need an [`Authorized`] project.

use diesel::prelude::*;

use crate::db::schema::tasks;
use crate::db::{DbError, UnitOfWork};
use crate::domain::Page;
use crate::domain::policy::Authorized;
use crate::domain::projects::Project;
use crate::ids::TaskId;

use super::Task;

pub(super) fn find(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    id: TaskId,
) -> Result<Option<Task>, DbError> {
    let of_project = tasks::table.filter(tasks::id.eq(id).and(tasks::project_id.eq(project.id)));
    Ok(of_project.select(Task::as_select()).first(uow.conn()).optional()?)
}

/// The project's tasks, newest first.
pub(super) fn list(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    page: Page<TaskId>,
) -> Result<Vec<Task>, DbError> {
    let mut query = tasks::table.filter(tasks::project_id.eq(project.id)).into_boxed();
    if let Some(before) = page.before {
        query = query.filter(tasks::id.lt(before));
    }
    Ok(query.order(tasks::id.desc()).limit(page.fetch()).select(Task::as_select()).load(uow.conn())?)
}

pub(super) fn insert(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    task: &Task,
) -> Result<(), DbError> {
    diesel::insert_into(tasks::table)
        .values((
            tasks::id.eq(task.id),
            tasks::project_id.eq(project.id),
            tasks::created_by.eq(task.created_by),
            tasks::title.eq(&task.title),
            tasks::text.eq(&task.text),
            tasks::status.eq(task.status),
            tasks::position.eq(task.position.as_str()),
            tasks::version.eq(task.version),
            tasks::created_at.eq(task.created_at),
            tasks::updated_at.eq(task.updated_at),
        ))
        .execute(uow.conn())?;
    Ok(())
}
