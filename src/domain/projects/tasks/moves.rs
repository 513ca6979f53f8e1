//! Use cases of tasks that change where they are: moving, archiving, restoring.

use crate::db::UnitOfWork;
use crate::domain::policy::{Authorized, Scope};
use crate::domain::projects::{Project, columns};
use crate::domain::{Error, Kind};
use crate::ids::{ColumnId, ProjectId, TaskId};

use super::events::{Change, TaskArchived, TaskChanged, TaskMoved};
use super::placement::{neighbours, position_for, rebalance_if_long};
use super::service::{check_on_board, check_room, load_to_change};
use super::{Place, Position, Task, repository};

/// Moves a task within its column or to another one.
pub(crate) fn move_to(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    id: TaskId,
    seen: Option<i64>,
    column: ColumnId,
    place: Place<TaskId>,
) -> Result<Task, Error> {
    let (project, task) = load_to_change(uow, scope, project, id)?;
    Error::if_changed(Kind::Task, &task, task.version, seen)?;
    check_on_board(&task)?;
    let column = columns::find_in(uow, &project, column)?;
    let from = task.column_id;
    if from != Some(column.id) {
        columns::check_limit(&column, repository::count_in(uow, column.id)?)?;
    }
    let (lower, upper) = neighbours(uow, column.id, place, id)?;
    let is_there = from == Some(column.id)
        && lower.as_ref().is_none_or(|lower| *lower < task.position)
        && upper.as_ref().is_none_or(|upper| task.position < *upper);
    if is_there {
        return Ok(task);
    }
    let position = Position::between(lower.as_ref(), upper.as_ref());
    let (version, now) = (task.version + 1, uow.now());
    let task = Task { column_id: Some(column.id), position, version, updated_at: now, ..task };
    repository::update(uow, &project, &task)?;
    let event = TaskMoved {
        task_id: id,
        project_id: project.id,
        from_column_id: from,
        column_id: column.id,
        position: &task.position,
        version,
        updated_at: now,
    };
    uow.record(Some(scope.user()), &event);
    rebalance_if_long(uow, &project, task)
}

/// Takes a task off the board. One that is archived already stays as it is.
pub(crate) fn archive(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    id: TaskId,
    seen: Option<i64>,
) -> Result<Task, Error> {
    let (project, task) = load_to_change(uow, scope, project, id)?;
    if task.archived_at.is_some() {
        return Ok(task);
    }
    Error::if_changed(Kind::Task, &task, task.version, seen)?;
    let (version, now) = (task.version + 1, uow.now());
    let task = Task { archived_at: Some(now), version, updated_at: now, ..task };
    repository::update(uow, &project, &task)?;
    let event = TaskArchived { task_id: id, project_id: project.id, version, archived_at: now };
    uow.record(Some(scope.user()), &event);
    Ok(task)
}

/// Puts an archived task back on the board: at the end of its column, or of the first one if that was
/// deleted. One that is on the board already stays as it is.
pub(crate) fn restore(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    id: TaskId,
    seen: Option<i64>,
) -> Result<Task, Error> {
    let (project, task) = load_to_change(uow, scope, project, id)?;
    if task.archived_at.is_none() {
        return Ok(task);
    }
    Error::if_changed(Kind::Task, &task, task.version, seen)?;
    check_room(uow, &project)?;
    let column = columns::find_or_first(uow, &project, task.column_id)?;
    columns::check_limit(&column, repository::count_in(uow, column.id)?)?;
    let position = position_for(uow, column.id, Place::Last, id)?;
    let (version, now) = (task.version + 1, uow.now());
    let task =
        Task { column_id: Some(column.id), position, archived_at: None, version, updated_at: now, ..task };
    repository::update(uow, &project, &task)?;
    uow.record(Some(scope.user()), &TaskChanged::new(Change::Restored, &task));
    rebalance_if_long(uow, &project, task)
}

/// Empties a column that is about to be deleted: its tasks go to the end of `to`, in their order. Returns
/// each with its new position and version. A step of deleting a column.
pub(in crate::domain::projects) fn evacuate(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    from: ColumnId,
    to: Option<ColumnId>,
) -> Result<Vec<(TaskId, Position, i64)>, Error> {
    let leaving = repository::in_column(uow, from)?;
    let mut moved = Vec::new();
    if let Some((first, _)) = leaving.first().copied() {
        let to = to.ok_or(Error::Taken {
            code: "column_not_empty",
            detail: "it has tasks: say into which column they go",
        })?;
        let target = columns::find_in(uow, project, to)?;
        let arriving = i64::try_from(leaving.len()).unwrap_or(i64::MAX);
        columns::check_limit(&target, repository::count_in(uow, to)?.saturating_add(arriving - 1))?;
        let mut last = repository::last_position(uow, to, first)?;
        for (id, version) in leaving {
            let position = Position::between(last.as_ref(), None);
            repository::set_column(uow, project, id, to, &position)?;
            last = Some(position.clone());
            moved.push((id, position, version + 1));
        }
    }
    repository::clear_column_of_archived(uow, project, from)?;
    Ok(moved)
}
