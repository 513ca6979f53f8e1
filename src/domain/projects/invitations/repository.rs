//! Storage of invitations: queries and writes, no decisions.

use diesel::prelude::*;

use crate::db::schema::project_invitations as invitations;
use crate::db::{DbError, UnitOfWork};
use crate::domain::Page;
use crate::domain::policy::Authorized;
use crate::domain::projects::Project;
use crate::ids::{InvitationId, UserId};

use super::{Invitation, Shown};

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: InvitationId) -> Result<Option<Invitation>, DbError> {
    Ok(invitations::table.find(id).select(Invitation::as_select()).get_result(uow.conn()).optional()?)
}

pub(super) fn find_by_hash(uow: &mut UnitOfWork<'_>, hash: &str) -> Result<Option<Invitation>, DbError> {
    let of_link = invitations::table.filter(invitations::secret_hash.eq(hash));
    Ok(of_link.select(Invitation::as_select()).get_result(uow.conn()).optional()?)
}

/// The project's invitations, newest first.
pub(super) fn of_project(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    page: Page<InvitationId>,
) -> Result<Vec<Invitation>, DbError> {
    let mut query = invitations::table.filter(invitations::project_id.eq(project.id)).into_boxed();
    if let Some(before) = page.before {
        query = query.filter(invitations::id.lt(before));
    }
    let newest = query.order(invitations::id.desc()).limit(page.fetch());
    Ok(newest.select(Invitation::as_select()).load(uow.conn())?)
}

/// The user's open invitations, newest first.
pub(super) fn open_of_user(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    page: Page<InvitationId>,
) -> Result<Vec<Invitation>, DbError> {
    let now = uow.now();
    let open = invitations::used_at.is_null().and(invitations::revoked_at.is_null());
    let theirs = invitations::table.filter(invitations::user_id.eq(user).and(open));
    let mut query = theirs.filter(invitations::expires_at.gt(now)).into_boxed();
    if let Some(before) = page.before {
        query = query.filter(invitations::id.lt(before));
    }
    let newest = query.order(invitations::id.desc()).limit(page.fetch());
    Ok(newest.select(Invitation::as_select()).load(uow.conn())?)
}

/// The user's open invitations to the project.
pub(super) fn open_to(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    user: UserId,
) -> Result<Vec<Invitation>, DbError> {
    let open = invitations::used_at.is_null().and(invitations::revoked_at.is_null());
    let theirs =
        invitations::table.filter(invitations::project_id.eq(project.id).and(invitations::user_id.eq(user)));
    Ok(theirs.filter(open).order(invitations::id).select(Invitation::as_select()).load(uow.conn())?)
}

/// How many invitations of the project are open.
pub(super) fn count_open(uow: &mut UnitOfWork<'_>, project: &Authorized<Project>) -> Result<i64, DbError> {
    let now = uow.now();
    let open = invitations::used_at.is_null().and(invitations::revoked_at.is_null());
    let of_project = invitations::table.filter(invitations::project_id.eq(project.id).and(open));
    Ok(of_project.filter(invitations::expires_at.gt(now)).count().get_result(uow.conn())?)
}

pub(super) fn insert(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    invitation: &Invitation,
    secret_hash: Option<&str>,
) -> Result<(), DbError> {
    diesel::insert_into(invitations::table)
        .values((
            invitations::id.eq(invitation.id),
            invitations::project_id.eq(project.id),
            invitations::invited_by.eq(invitation.invited_by),
            invitations::user_id.eq(invitation.user_id),
            invitations::role.eq(invitation.role),
            invitations::secret_hash.eq(secret_hash),
            invitations::created_at.eq(invitation.created_at),
            invitations::expires_at.eq(invitation.expires_at),
        ))
        .execute(uow.conn())?;
    Ok(())
}

/// Marks an open invitation as used: of two that use it at once, one.
pub(super) fn set_used(
    uow: &mut UnitOfWork<'_>,
    shown: &Authorized<Shown>,
    user: UserId,
) -> Result<bool, DbError> {
    let now = uow.now();
    let open = invitations::table
        .filter(invitations::id.eq(shown.invitation.id))
        .filter(invitations::used_at.is_null().and(invitations::revoked_at.is_null()));
    let rows = diesel::update(open)
        .set((invitations::used_at.eq(now), invitations::used_by.eq(user)))
        .execute(uow.conn())?;
    Ok(rows == 1)
}

/// Marks an open invitation of the project as revoked, by an owner.
pub(super) fn set_revoked(
    uow: &mut UnitOfWork<'_>,
    project: &Authorized<Project>,
    id: InvitationId,
) -> Result<(), DbError> {
    let now = uow.now();
    let open = invitations::table
        .filter(invitations::id.eq(id).and(invitations::project_id.eq(project.id)))
        .filter(invitations::used_at.is_null().and(invitations::revoked_at.is_null()));
    diesel::update(open).set(invitations::revoked_at.eq(now)).execute(uow.conn())?;
    Ok(())
}

/// Marks an open invitation as declined, by the invited user.
pub(super) fn set_declined(uow: &mut UnitOfWork<'_>, shown: &Authorized<Shown>) -> Result<(), DbError> {
    let now = uow.now();
    let open = invitations::table
        .filter(invitations::id.eq(shown.invitation.id))
        .filter(invitations::used_at.is_null().and(invitations::revoked_at.is_null()));
    diesel::update(open).set(invitations::revoked_at.eq(now)).execute(uow.conn())?;
    Ok(())
}
