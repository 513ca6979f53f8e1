//! Storage of tasks: queries and writes, no decisions. Writes need an [`Authorized`] project.

use diesel::prelude::*;

use crate::db::schema::tasks;
use crate::db::{DbError, UnitOfWork};
use crate::domain::Page;
use crate::domain::policy::Authorized;
use crate::domain::projects::Project;
use crate::ids::{ColumnId, TaskId, UserId};

use super::{Position, Status, Task};

pub(super) fn find(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    id: TaskId,
) -> Result<Option<Task>, DbError> {
    let of_project = tasks::table.filter(tasks::id.eq(id).and(tasks::project_id.eq(project.id)));
    Ok(of_project.select(Task::as_select()).get_result(uow.conn()).optional()?)
}

/// The project's tasks, newest first, archived ones or those on the board.
pub(super) fn list(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    archived: Archived,
    page: Page<TaskId>,
) -> Result<Vec<Task>, DbError> {
    let mut query = tasks::table.filter(tasks::project_id.eq(project.id)).into_boxed();
    query = match archived {
        Archived::No => query.filter(tasks::archived_at.is_null()),
        Archived::Yes => query.filter(tasks::archived_at.is_not_null()),
    };
    if let Some(before) = page.before {
        query = query.filter(tasks::id.lt(before));
    }
    Ok(query.order(tasks::id.desc()).limit(page.fetch()).select(Task::as_select()).load(uow.conn())?)
}

/// Which tasks to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Archived {
    /// Those on the board.
    No,
    /// The others.
    Yes,
}

/// Up to `limit` tasks on the board after this one, oldest first.
pub(super) fn on_board(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    after: Option<TaskId>,
    limit: i64,
) -> Result<Vec<Task>, DbError> {
    let mut query =
        tasks::table.filter(tasks::project_id.eq(project.id).and(tasks::archived_at.is_null())).into_boxed();
    if let Some(after) = after {
        query = query.filter(tasks::id.gt(after));
    }
    Ok(query.order(tasks::id).limit(limit).select(Task::as_select()).load(uow.conn())?)
}

/// How many tasks are on the board.
pub(super) fn count(uow: &mut UnitOfWork<'_>, project: &Authorized<Project>) -> Result<i64, DbError> {
    let live = tasks::table.filter(tasks::project_id.eq(project.id).and(tasks::archived_at.is_null()));
    Ok(live.count().get_result(uow.conn())?)
}

/// How many tasks are in the column.
pub(super) fn count_in(uow: &mut UnitOfWork<'_>, column: ColumnId) -> Result<i64, DbError> {
    let inside = tasks::table.filter(tasks::column_id.eq(column).and(tasks::archived_at.is_null()));
    Ok(inside.count().get_result(uow.conn())?)
}

/// The position of a task that is in the column.
pub(super) fn position_in(
    uow: &mut UnitOfWork<'_>,
    column: ColumnId,
    id: TaskId,
) -> Result<Option<Position>, DbError> {
    let inside = tasks::table
        .filter(tasks::id.eq(id).and(tasks::column_id.eq(column)).and(tasks::archived_at.is_null()));
    let position = inside.select(tasks::position).get_result::<String>(uow.conn()).optional()?;
    Ok(position.map(Position::from))
}

/// The first position in the column after this one (of all, if `None`), other than that of `but`.
pub(super) fn next_position(
    uow: &mut UnitOfWork<'_>,
    column: ColumnId,
    after: Option<&Position>,
    but: TaskId,
) -> Result<Option<Position>, DbError> {
    let inside = tasks::table.filter(tasks::column_id.eq(column).and(tasks::archived_at.is_null()));
    let mut query = inside.filter(tasks::id.ne(but)).into_boxed();
    if let Some(after) = after {
        query = query.filter(tasks::position.gt(after.as_str().to_owned()));
    }
    let next = query.order(tasks::position).limit(1).select(tasks::position);
    let next = next.get_result::<String>(uow.conn()).optional()?;
    Ok(next.map(Position::from))
}

/// The last position in the column, other than that of `but`.
pub(super) fn last_position(
    uow: &mut UnitOfWork<'_>,
    column: ColumnId,
    but: TaskId,
) -> Result<Option<Position>, DbError> {
    let inside = tasks::table.filter(tasks::column_id.eq(column).and(tasks::archived_at.is_null()));
    let others = inside.filter(tasks::id.ne(but)).order(tasks::position.desc()).limit(1);
    let last = others.select(tasks::position).get_result::<String>(uow.conn()).optional()?;
    Ok(last.map(Position::from))
}

/// The tasks in the column, in their order.
pub(super) fn in_column(uow: &mut UnitOfWork<'_>, column: ColumnId) -> Result<Vec<(TaskId, i64)>, DbError> {
    let inside = tasks::table.filter(tasks::column_id.eq(column).and(tasks::archived_at.is_null()));
    Ok(inside.order(tasks::position).select((tasks::id, tasks::version)).load(uow.conn())?)
}

/// The tasks on the board that the user should do.
pub(super) fn assigned_to(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    user: UserId,
) -> Result<Vec<(TaskId, i64)>, DbError> {
    let theirs = tasks::table.filter(tasks::project_id.eq(project.id).and(tasks::assignee_id.eq(user)));
    let theirs = theirs.filter(tasks::archived_at.is_null());
    Ok(theirs.order(tasks::id).select((tasks::id, tasks::version)).load(uow.conn())?)
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
            tasks::status.eq(Status::Todo),
            tasks::position.eq(task.position.as_str()),
            tasks::version.eq(task.version),
            tasks::created_at.eq(task.created_at),
            tasks::updated_at.eq(task.updated_at),
            tasks::column_id.eq(task.column_id),
            tasks::assignee_id.eq(task.assignee_id),
            tasks::due_at.eq(task.due_at),
            tasks::labels.eq(task.labels.to_json()?),
            tasks::checklist.eq(task.checklist.to_json()?),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Writes the whole task over the version before; the project is locked, so that it is still that version.
pub(super) fn update(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    task: &Task,
) -> Result<(), DbError> {
    let before = tasks::table
        .filter(tasks::id.eq(task.id).and(tasks::project_id.eq(project.id)))
        .filter(tasks::version.eq(task.version - 1));
    let rows = diesel::update(before)
        .set((
            tasks::title.eq(&task.title),
            tasks::text.eq(&task.text),
            tasks::position.eq(task.position.as_str()),
            tasks::version.eq(task.version),
            tasks::updated_at.eq(task.updated_at),
            tasks::column_id.eq(task.column_id),
            tasks::assignee_id.eq(task.assignee_id),
            tasks::due_at.eq(task.due_at),
            tasks::labels.eq(task.labels.to_json()?),
            tasks::checklist.eq(task.checklist.to_json()?),
            tasks::archived_at.eq(task.archived_at),
        ))
        .execute(uow.conn())?;
    if rows == 1 { Ok(()) } else { Err(DbError::Contended("the task changed meanwhile".into())) }
}

/// Gives a task another position, and no new version.
pub(super) fn set_position(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    id: TaskId,
    position: &Position,
) -> Result<(), DbError> {
    let task = tasks::table.filter(tasks::id.eq(id).and(tasks::project_id.eq(project.id)));
    diesel::update(task).set(tasks::position.eq(position.as_str())).execute(uow.conn())?;
    Ok(())
}

/// Puts a task into another column.
pub(super) fn set_column(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    id: TaskId,
    column: ColumnId,
    position: &Position,
) -> Result<(), DbError> {
    let now = uow.now();
    let task = tasks::table.filter(tasks::id.eq(id).and(tasks::project_id.eq(project.id)));
    diesel::update(task)
        .set((
            tasks::column_id.eq(column),
            tasks::position.eq(position.as_str()),
            tasks::version.eq(tasks::version + 1),
            tasks::updated_at.eq(now),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Takes the archived tasks out of the column.
pub(super) fn clear_column_of_archived(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    column: ColumnId,
) -> Result<(), DbError> {
    let inside = tasks::table.filter(tasks::project_id.eq(project.id).and(tasks::column_id.eq(column)));
    diesel::update(inside.filter(tasks::archived_at.is_not_null()))
        .set(tasks::column_id.eq(None::<ColumnId>))
        .execute(uow.conn())?;
    Ok(())
}

/// Removes the user from all tasks of the project.
pub(super) fn unassign(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    user: UserId,
) -> Result<(), DbError> {
    let now = uow.now();
    let theirs = tasks::table.filter(tasks::project_id.eq(project.id).and(tasks::assignee_id.eq(user)));
    diesel::update(theirs)
        .set((
            tasks::assignee_id.eq(None::<UserId>),
            tasks::version.eq(tasks::version + 1),
            tasks::updated_at.eq(now),
        ))
        .execute(uow.conn())?;
    Ok(())
}
