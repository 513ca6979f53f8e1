//! Use cases of columns.

use crate::db::UnitOfWork;
use crate::domain::policy::{Authorized, Scope, authorize};
use crate::domain::projects::tasks::{self, MOST_TASKS, Place};
use crate::domain::projects::{self, PLAN, Project};
use crate::domain::{Error, FieldError, Kind};
use crate::ids::{ColumnId, ProjectId, UserId};

use super::events::{Change, ColumnChanged, ColumnDeleted, Evacuated};
use super::{Column, ColumnName, MOST_COLUMNS, repository};

/// A column as clients give it, in any protocol; what is absent is not changed.
#[derive(Clone, Default)]
pub(crate) struct ColumnInput {
    /// Its name.
    pub(crate) name: Option<String>,
    /// Most tasks in it; `Some(None)` for no limit.
    pub(crate) wip_limit: Option<Option<i32>>,
}

type Parsed = (Option<ColumnName>, Option<Option<i32>>);

impl ColumnInput {
    fn parse(&self) -> Result<Parsed, Error> {
        let mut errors = Vec::new();
        let name = self.name.as_deref().map(ColumnName::parse).transpose();
        let name = name.map_err(|must| errors.push(FieldError::new("name", must)));
        let most = i32::try_from(MOST_TASKS).unwrap_or(i32::MAX);
        if self.wip_limit.flatten().is_some_and(|limit| !(1..=most).contains(&limit)) {
            errors.push(FieldError::new("wip_limit", format!("must be 1 to {most}, or null for no limit")));
        }
        match name {
            Ok(name) if errors.is_empty() => Ok((name, self.wip_limit)),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// The board's columns, in their order, for whoever may read the project.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
) -> Result<Vec<Column>, Error> {
    let project = projects::find(uow, scope, project)?;
    Ok(repository::of_project(uow, &project)?)
}

/// Creates a column.
pub(crate) fn create(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    input: &ColumnInput,
    place: Place<ColumnId>,
) -> Result<Column, Error> {
    let (name, wip_limit) = input.parse()?;
    let name = name.ok_or_else(|| Error::invalid("name", "is required"))?;
    let (project, columns) = lock(uow, scope, project)?;
    if columns.len() >= MOST_COLUMNS {
        let detail = format!("the board has {MOST_COLUMNS} columns, which is the most");
        return Err(Error::Full { code: "too_many_columns", detail });
    }
    let now = uow.now();
    let id = ColumnId::new(now);
    let (order, position) = placed(columns.iter().map(|column| column.id).collect(), id, place)?;
    let column = Column {
        id,
        project_id: project.id,
        name,
        position,
        wip_limit: wip_limit.flatten(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    repository::insert(uow, &project, &column)?;
    repository::number(uow, &project, &order)?;
    announce(uow, scope.user(), Change::Created, &column, order);
    Ok(column)
}

/// Renames a column, or changes its limit. A limit below what is in it keeps more from coming.
pub(crate) fn update(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    id: ColumnId,
    seen: Option<i64>,
    input: &ColumnInput,
) -> Result<Column, Error> {
    let (name, wip_limit) = input.parse()?;
    let (project, columns) = lock(uow, scope, project)?;
    let column = pick(&columns, id)?;
    Error::if_changed(Kind::Column, &column, column.version, seen)?;
    let changed = Column {
        name: name.unwrap_or_else(|| column.name.clone()),
        wip_limit: wip_limit.unwrap_or(column.wip_limit),
        ..column.clone()
    };
    if changed == column {
        return Ok(column);
    }
    let column = Column { version: column.version + 1, updated_at: uow.now(), ..changed };
    repository::update(uow, &project, &column)?;
    announce(uow, scope.user(), Change::Updated, &column, columns.iter().map(|column| column.id).collect());
    Ok(column)
}

/// Moves a column among the others.
pub(crate) fn move_to(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    id: ColumnId,
    seen: Option<i64>,
    place: Place<ColumnId>,
) -> Result<Column, Error> {
    let (project, columns) = lock(uow, scope, project)?;
    let column = pick(&columns, id)?;
    Error::if_changed(Kind::Column, &column, column.version, seen)?;
    let others = columns.iter().map(|column| column.id).filter(|other| *other != id).collect();
    let (order, position) = placed(others, id, place)?;
    if position == column.position {
        return Ok(column);
    }
    let column = Column { position, version: column.version + 1, updated_at: uow.now(), ..column };
    repository::update(uow, &project, &column)?;
    repository::number(uow, &project, &order)?;
    announce(uow, scope.user(), Change::Moved, &column, order);
    Ok(column)
}

/// Deletes a column. Its tasks go to the end of `to`; without one, it must be empty. A board keeps a column.
pub(crate) fn delete(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    id: ColumnId,
    seen: Option<i64>,
    to: Option<ColumnId>,
) -> Result<(), Error> {
    let (project, columns) = lock(uow, scope, project)?;
    let column = pick(&columns, id)?;
    Error::if_changed(Kind::Column, &column, column.version, seen)?;
    if columns.len() == 1 {
        return Err(Error::Taken { code: "last_column", detail: "a board keeps a column" });
    }
    if to == Some(id) {
        return Err(Error::invalid("to", "must be another column"));
    }
    let moved = tasks::evacuate(uow, &project, id, to)?;
    repository::delete(uow, &project, id)?;
    let order: Vec<ColumnId> = columns.iter().map(|column| column.id).filter(|other| *other != id).collect();
    repository::number(uow, &project, &order)?;
    let tasks =
        moved.into_iter().map(|(task_id, position, version)| Evacuated { task_id, position, version });
    let tasks: Vec<Evacuated> = tasks.collect();
    let crowded = tasks.last().is_some_and(|task| task.position.is_long());
    let event = ColumnDeleted {
        column_id: id,
        project_id: project.id,
        order,
        to_column_id: to.filter(|_| !tasks.is_empty()),
        tasks,
        updated_at: uow.now(),
    };
    uow.record(Some(scope.user()), &event);
    if let Some(to) = to.filter(|_| crowded) {
        tasks::rebalance(uow, &project, to)?;
    }
    Ok(())
}

/// A column of this board.
pub(in crate::domain::projects) fn find_in(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    id: ColumnId,
) -> Result<Column, Error> {
    pick(&repository::of_project(uow, project)?, id)
}

/// This column of the board, or its first one.
pub(in crate::domain::projects) fn find_or_first(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    id: Option<ColumnId>,
) -> Result<Column, Error> {
    let columns = repository::of_project(uow, project)?;
    match id {
        Some(id) => pick(&columns, id),
        None => columns.into_iter().next().ok_or(Error::NotFound(Kind::Column)),
    }
}

/// Refuses one more task than the column's limit, if it has one.
pub(in crate::domain::projects) fn check_limit(column: &Column, inside: i64) -> Result<(), Error> {
    match column.wip_limit {
        Some(limit) if inside >= i64::from(limit) => {
            let detail = format!("the column {:?} is limited to {limit} tasks", column.name.as_str());
            Err(Error::Full { code: "wip_limit", detail })
        }
        _ => Ok(()),
    }
}

/// Locks the board, for an editor.
fn lock(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
) -> Result<(Authorized<Project>, Vec<Column>), Error> {
    let project = projects::repository::lock(uow, project)?;
    let project = authorize(uow, scope, project, PLAN)?;
    let columns = repository::of_project(uow, &project)?;
    Ok((project, columns))
}

fn pick(columns: &[Column], id: ColumnId) -> Result<Column, Error> {
    columns.iter().find(|column| column.id == id).cloned().ok_or(Error::NotFound(Kind::Column))
}

/// The others with this column among them, and its position.
fn placed(
    others: Vec<ColumnId>,
    id: ColumnId,
    place: Place<ColumnId>,
) -> Result<(Vec<ColumnId>, i64), Error> {
    let at = match place {
        Place::First => 0,
        Place::Last => others.len(),
        Place::After(neighbour) => {
            let at = others.iter().position(|other| *other == neighbour);
            at.ok_or(Error::NotFound(Kind::Column))? + 1
        }
    };
    let mut order = others;
    order.insert(at, id);
    Ok((order, i64::try_from(at).unwrap_or(i64::MAX)))
}

fn announce(uow: &mut UnitOfWork<'_>, by: UserId, change: Change, column: &Column, order: Vec<ColumnId>) {
    uow.record(Some(by), &ColumnChanged { column_id: column.id, column, order, change });
}
