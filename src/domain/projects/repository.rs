//! Projects and their members as rows.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{project_members, projects};
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::ProjectRole;
use crate::ids::{BookingId, ProjectId, UserId};

use super::{Member, Project, ProjectTitle};

#[derive(Queryable, Selectable)]
#[diesel(table_name = projects)]
struct Row {
    id: ProjectId,
    booking_id: Option<BookingId>,
    created_by: UserId,
    title: ProjectTitle,
    version: i64,
    created_at: Timestamp,
}

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: ProjectId) -> Result<Option<Project>, DbError> {
    let row = projects::table.find(id).select(Row::as_select()).first(uow.conn()).optional()?;
    row.map(|row| with_members(uow, row)).transpose()
}

pub(super) fn of_booking(uow: &mut UnitOfWork<'_>, booking: BookingId) -> Result<Option<Project>, DbError> {
    let row = projects::table
        .filter(projects::booking_id.eq(booking))
        .select(Row::as_select())
        .first(uow.conn())
        .optional()?;
    row.map(|row| with_members(uow, row)).transpose()
}

fn with_members(uow: &mut UnitOfWork<'_>, row: Row) -> Result<Project, DbError> {
    let members = project_members::table
        .filter(project_members::project_id.eq(row.id))
        .order(project_members::user_id)
        .select((project_members::user_id, project_members::role))
        .load::<(UserId, ProjectRole)>(uow.conn())?;
    Ok(Project {
        id: row.id,
        booking_id: row.booking_id,
        created_by: row.created_by,
        title: row.title,
        version: row.version,
        created_at: row.created_at,
        members: members.into_iter().map(|(user, role)| Member { user, role }).collect(),
    })
}

/// A new row belongs to whom it names; there is nothing to be authorized on yet.
pub(super) fn insert(uow: &mut UnitOfWork<'_>, project: &Project) -> Result<(), DbError> {
    diesel::insert_into(projects::table)
        .values((
            projects::id.eq(project.id),
            projects::booking_id.eq(project.booking_id),
            projects::created_by.eq(project.created_by),
            projects::title.eq(&project.title),
            projects::version.eq(project.version),
            projects::created_at.eq(project.created_at),
            projects::updated_at.eq(project.created_at),
        ))
        .execute(uow.conn())?;
    for member in &project.members {
        diesel::insert_into(project_members::table)
            .values((
                project_members::project_id.eq(project.id),
                project_members::user_id.eq(member.user),
                project_members::role.eq(member.role),
                project_members::created_at.eq(project.created_at),
            ))
            .execute(uow.conn())?;
    }
    Ok(())
}
