//! Positions for tasks: between the neighbours that a client names, and anew where they grew long.

use crate::db::UnitOfWork;
use crate::domain::Error;
use crate::domain::policy::Authorized;
use crate::domain::projects::Project;
use crate::ids::{ColumnId, TaskId};

use super::events::{ColumnRebalanced, Placed};
use super::{Place, Position, Task, repository};

/// A position at this place of the column.
pub(super) fn position_for(
    uow: &mut UnitOfWork<'_>,
    column: ColumnId,
    place: Place<TaskId>,
    task: TaskId,
) -> Result<Position, Error> {
    let (lower, upper) = neighbours(uow, column, place, task)?;
    Ok(Position::between(lower.as_ref(), upper.as_ref()))
}

/// The positions between which the task will stand.
pub(super) fn neighbours(
    uow: &mut UnitOfWork<'_>,
    column: ColumnId,
    place: Place<TaskId>,
    task: TaskId,
) -> Result<(Option<Position>, Option<Position>), Error> {
    let lower = match place {
        Place::First => None,
        Place::Last => return Ok((repository::last_position(uow, column, task)?, None)),
        Place::After(neighbour) if neighbour == task => None,
        Place::After(neighbour) => repository::position_in(uow, column, neighbour)?,
    };
    if lower.is_none() && place != Place::First {
        let detail = "the task that it should follow is not in that column, or not any more";
        return Err(Error::Taken { code: "no_such_neighbour", detail });
    }
    let upper = repository::next_position(uow, column, lower.as_ref(), task)?;
    Ok((lower, upper))
}

/// Spreads the positions of the task's column anew if that of the task became too long.
pub(super) fn rebalance_if_long(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    task: Task,
) -> Result<Task, Error> {
    let Some(column) = task.column_id.filter(|_| task.position.is_long()) else { return Ok(task) };
    rebalance(uow, project, column)?;
    let position = repository::position_in(uow, column, task.id)?;
    Ok(Task { position: position.unwrap_or(task.position), ..task })
}

/// Spreads the positions of a column anew. No order changes, and no version: a client that moves another task
/// of the column has still seen the right one.
pub(in crate::domain::projects) fn rebalance(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    column: ColumnId,
) -> Result<(), Error> {
    let inside = repository::in_column(uow, column)?;
    let placed = inside.iter().zip(Position::spread(inside.len()));
    let positions: Vec<Placed> =
        placed.map(|((task_id, _), position)| Placed { task_id: *task_id, position }).collect();
    for Placed { task_id, position } in &positions {
        repository::set_position(uow, project, *task_id, position)?;
    }
    uow.record(None, &ColumnRebalanced { project_id: project.id, column_id: column, positions });
    Ok(())
}
