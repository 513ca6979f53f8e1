//! Storage of columns: queries and writes, no decisions.

use diesel::prelude::*;

use crate::db::schema::board_columns as columns;
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::Authorized;
use crate::domain::projects::Project;
use crate::ids::ColumnId;

use super::Column;

/// The board's columns, in their order.
pub(crate) fn of_project(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
) -> Result<Vec<Column>, DbError> {
    let of_project = columns::table.filter(columns::project_id.eq(project.id));
    Ok(of_project.order(columns::position).select(Column::as_select()).load(uow.conn())?)
}

pub(super) fn insert(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    column: &Column,
) -> Result<(), DbError> {
    diesel::insert_into(columns::table)
        .values((
            columns::id.eq(column.id),
            columns::project_id.eq(project.id),
            columns::name.eq(&column.name),
            columns::position.eq(column.position),
            columns::wip_limit.eq(column.wip_limit),
            columns::version.eq(column.version),
            columns::created_at.eq(column.created_at),
            columns::updated_at.eq(column.updated_at),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Writes the column over the version before; the project is locked, so that it is still that version.
pub(super) fn update(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    column: &Column,
) -> Result<(), DbError> {
    let before = columns::table
        .filter(columns::id.eq(column.id).and(columns::project_id.eq(project.id)))
        .filter(columns::version.eq(column.version - 1));
    let rows = diesel::update(before)
        .set((
            columns::name.eq(&column.name),
            columns::wip_limit.eq(column.wip_limit),
            columns::version.eq(column.version),
            columns::updated_at.eq(column.updated_at),
        ))
        .execute(uow.conn())?;
    if rows == 1 { Ok(()) } else { Err(DbError::Contended("the column changed meanwhile".into())) }
}

/// Numbers the columns in this order.
pub(super) fn number(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    order: &[ColumnId],
) -> Result<(), DbError> {
    for (position, id) in (0_i64..).zip(order) {
        let column = columns::table.filter(columns::id.eq(*id).and(columns::project_id.eq(project.id)));
        diesel::update(column).set(columns::position.eq(position)).execute(uow.conn())?;
    }
    Ok(())
}

pub(super) fn delete(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    id: ColumnId,
) -> Result<(), DbError> {
    let column = columns::table.filter(columns::id.eq(id).and(columns::project_id.eq(project.id)));
    diesel::delete(column).execute(uow.conn())?;
    Ok(())
}
