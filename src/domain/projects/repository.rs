//! Storage of projects and members: queries and writes, no decisions.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{bookings, project_members, projects, users};
use crate::db::{DbConnection, DbError, UnitOfWork, one_of};
use crate::domain::policy::{Authorized, ProjectRole, Scope};
use crate::domain::{Error, Kind, Page};
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
    updated_at: Timestamp,
}

/// A project row with the two parties of the booking that opened it, if one did.
type Opened = (Row, Option<UserId>, Option<UserId>);

/// Projects joined with the bookings that opened them, for further filtering.
macro_rules! opened {
    () => {
        projects::table
            .left_join(bookings::table.on(projects::booking_id.eq(bookings::id.nullable())))
            .select((
                Row::as_select(),
                bookings::consumer_user_id.nullable(),
                bookings::provider_user_id.nullable(),
            ))
    };
}

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: ProjectId) -> Result<Project, Error> {
    let found = opened!().filter(projects::id.eq(id)).load::<Opened>(uow.conn())?;
    with_members(uow, found)?.pop().ok_or(Error::NotFound(Kind::Project))
}

pub(super) fn of_booking(uow: &mut UnitOfWork<'_>, booking: BookingId) -> Result<Option<Project>, DbError> {
    let found = opened!().filter(projects::booking_id.eq(booking)).load::<Opened>(uow.conn())?;
    Ok(with_members(uow, found)?.pop())
}

/// Loads the project and locks its members against concurrent changes until the end of the unit of work.
pub(super) fn lock(uow: &mut UnitOfWork<'_>, id: ProjectId) -> Result<Project, Error> {
    // SQLite has a single writer and needs no lock. `FOR NO KEY UPDATE` still lets other rows reference the
    // project.
    if let DbConnection::Postgresql(connection) = uow.conn() {
        projects::table
            .find(id)
            .select(projects::id)
            .for_no_key_update()
            .get_result::<ProjectId>(connection)
            .optional()?;
    }
    find(uow, id)
}

/// The projects of which the caller is a member, newest first.
pub(super) fn of_caller(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<ProjectId>,
) -> Result<Vec<Project>, DbError> {
    let theirs = project_members::table
        .filter(project_members::user_id.eq(scope.user()))
        .select(project_members::project_id);
    let mut query = opened!().filter(projects::id.eq_any(theirs)).into_boxed();
    if let Some(before) = page.before {
        query = query.filter(projects::id.lt(before));
    }
    let found = query.order(projects::id.desc()).limit(page.fetch()).load::<Opened>(uow.conn())?;
    with_members(uow, found)
}

/// Adds the members to the projects, keeping their order: one query in total.
fn with_members(uow: &mut UnitOfWork<'_>, found: Vec<Opened>) -> Result<Vec<Project>, DbError> {
    let ids = found.iter().map(|(row, ..)| row.id);
    let rows = project_members::table
        .filter(one_of(project_members::project_id, ids))
        .order(project_members::user_id)
        .select((project_members::project_id, project_members::user_id, project_members::role))
        .load::<(ProjectId, UserId, ProjectRole)>(uow.conn())?;
    let mut members: HashMap<ProjectId, Vec<Member>> = HashMap::new();
    for (project, user, role) in rows {
        members.entry(project).or_default().push(Member { user, role });
    }
    let whole = |(row, consumer, provider): Opened| Project {
        id: row.id,
        booking_id: row.booking_id,
        parties: consumer.zip(provider).map(|(consumer, provider)| [consumer, provider]),
        created_by: row.created_by,
        title: row.title,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        members: members.remove(&row.id).unwrap_or_default(),
    };
    Ok(found.into_iter().map(whole).collect())
}

/// Display names of users.
pub(super) fn names(
    uow: &mut UnitOfWork<'_>,
    users: Vec<UserId>,
) -> Result<HashMap<UserId, String>, DbError> {
    let names = users::table.filter(one_of(users::id, users)).select((users::id, users::display_name));
    Ok(names.load(uow.conn())?.into_iter().collect())
}

pub(super) fn insert(uow: &mut UnitOfWork<'_>, project: &Authorized<Project>) -> Result<(), DbError> {
    diesel::insert_into(projects::table)
        .values((
            projects::id.eq(project.id),
            projects::booking_id.eq(project.booking_id),
            projects::created_by.eq(project.created_by),
            projects::title.eq(&project.title),
            projects::version.eq(project.version),
            projects::created_at.eq(project.created_at),
            projects::updated_at.eq(project.updated_at),
        ))
        .execute(uow.conn())?;
    project.members.iter().try_for_each(|member| insert_member(uow, project, *member))
}

fn insert_member(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    member: Member,
) -> Result<(), DbError> {
    let now = uow.now();
    diesel::insert_into(project_members::table)
        .values((
            project_members::project_id.eq(project.id),
            project_members::user_id.eq(member.user),
            project_members::role.eq(member.role),
            project_members::created_at.eq(now),
        ))
        .execute(uow.conn())?;
    Ok(())
}

pub(super) fn add(
    uow: &mut UnitOfWork<'_>,
    project: Authorized<Project>,
    member: Member,
) -> Result<Project, DbError> {
    insert_member(uow, &project, member)?;
    let mut members = project.members.clone();
    members.push(member);
    members.sort_by_key(|member| member.user);
    changed(uow, project, members)
}

pub(super) fn set_role(
    uow: &mut UnitOfWork<'_>,
    project: Authorized<Project>,
    member: Member,
) -> Result<Project, DbError> {
    diesel::update(project_members::table.find((project.id, member.user)))
        .set(project_members::role.eq(member.role))
        .execute(uow.conn())?;
    let members = project.members.iter().map(|old| if old.user == member.user { member } else { *old });
    let members = members.collect();
    changed(uow, project, members)
}

pub(super) fn remove(
    uow: &mut UnitOfWork<'_>,
    project: Authorized<Project>,
    user: UserId,
) -> Result<Project, DbError> {
    diesel::delete(project_members::table.find((project.id, user))).execute(uow.conn())?;
    let members = project.members.iter().copied().filter(|member| member.user != user).collect();
    changed(uow, project, members)
}

/// Increments the project's version, provided that it is unchanged since it was read.
fn changed(
    uow: &mut UnitOfWork<'_>,
    project: Authorized<Project>,
    members: Vec<Member>,
) -> Result<Project, DbError> {
    let (version, now) = (project.version + 1, uow.now());
    let unchanged = projects::table.find(project.id).filter(projects::version.eq(project.version));
    let bumped = diesel::update(unchanged)
        .set((projects::version.eq(version), projects::updated_at.eq(now)))
        .execute(uow.conn())?;
    match bumped {
        1 => Ok(Project { version, updated_at: now, members, ..project.into_row() }),
        _ => Err(DbError::Contended("the project changed meanwhile".into())),
    }
}
