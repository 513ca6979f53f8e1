//! Use cases of invitations. Each locks the project first, as everything that changes members does.

use std::time::Duration;

use crate::db::UnitOfWork;
use crate::domain::policy::{Authorized, ProjectRole, Scope, authorize, by_system};
use crate::domain::projects::{self, MOST_MEMBERS, Member, Project, STAFF, members};
use crate::domain::users::{self, Role};
use crate::domain::{Error, Kind, Page, Slice};
use crate::ids::{InvitationId, ProjectId, UserId};

use super::events::{Change, InvitationChanged};
use super::{ACCEPT, DECLINE, Invitation, LIST, MOST_OPEN, Shown, repository};

/// An invitation to create.
#[derive(Clone, Debug)]
pub(crate) struct NewInvitation {
    /// The invited user; whoever holds the link if `None`.
    pub(crate) user: Option<UserId>,
    /// The hash of the link's secret, if it is a link.
    pub(crate) secret_hash: Option<String>,
    /// The role that the invited will have.
    pub(crate) role: ProjectRole,
    /// How long it is good for.
    pub(crate) lifetime: Duration,
}

impl NewInvitation {
    /// The lifetime unless one is given, in seconds: a week.
    const LIFETIME: u32 = 7 * 24 * 60 * 60;
    /// The longest lifetime, in seconds: 30 days.
    const LONGEST: u32 = 30 * 24 * 60 * 60;

    /// Parses what clients give; the error names the field that is wrong.
    pub(crate) fn parse(
        user: Option<UserId>,
        secret_hash: Option<String>,
        role: &str,
        expires_in: Option<u32>,
    ) -> Result<Self, Error> {
        let role = role.parse().map_err(|must: String| Error::invalid("role", must))?;
        let seconds = expires_in.unwrap_or(Self::LIFETIME);
        if !(60..=Self::LONGEST).contains(&seconds) {
            return Err(Error::invalid("expires_in", format!("must be 60 to {} seconds", Self::LONGEST)));
        }
        Ok(Self { user, secret_hash, role, lifetime: Duration::from_secs(seconds.into()) })
    }
}

/// By what an invitation is accepted.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// By the invited user.
    Named(InvitationId),
    /// By whoever gives the secret that has this hash.
    BySecret(String),
}

/// Creates an invitation.
pub(crate) fn create(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    new: &NewInvitation,
) -> Result<Invitation, Error> {
    let project = projects::repository::lock(uow, project)?;
    let project = authorize(uow, scope, project, STAFF)?;
    if let Some(user) = new.user {
        members::check_is_active(uow, user)?;
        check_is_no_member(&project, user)?;
    }
    if repository::count_open(uow, &project)? >= MOST_OPEN {
        let detail = format!("{MOST_OPEN} invitations are open, which is the most: revoke some");
        return Err(Error::Full { code: "too_many_invitations", detail });
    }
    let now = uow.now();
    let invitation = Invitation {
        id: InvitationId::new(now),
        project_id: project.id,
        invited_by: scope.user(),
        user_id: new.user,
        role: new.role,
        created_at: now,
        expires_at: now.plus(new.lifetime),
        used_at: None,
        used_by: None,
        revoked_at: None,
    };
    repository::insert(uow, &project, &invitation, new.secret_hash.as_deref())?;
    uow.record(Some(scope.user()), &InvitationChanged::new(Change::Created, &project, &invitation));
    Ok(invitation)
}

/// The project's invitations for its owners, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    page: Page<InvitationId>,
) -> Result<Slice<Invitation, InvitationId>, Error> {
    let project = projects::repository::find(uow, project)?;
    let project = authorize(uow, scope, project, LIST)?;
    let rows = repository::of_project(uow, &project, page)?;
    Ok(page.slice(rows, |invitation| invitation.id))
}

/// The caller's open invitations, newest first.
pub(crate) fn of_caller(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<InvitationId>,
) -> Result<Slice<Invitation, InvitationId>, Error> {
    let rows = repository::open_of_user(uow, scope.user(), page)?;
    Ok(page.slice(rows, |invitation| invitation.id))
}

/// Revokes an invitation. One that is revoked already stays so.
pub(crate) fn revoke(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    project: ProjectId,
    id: InvitationId,
) -> Result<Invitation, Error> {
    let project = projects::repository::lock(uow, project)?;
    let project = authorize(uow, scope, project, STAFF)?;
    let invitation = load(uow, id)?;
    if invitation.project_id != project.id {
        return Err(Error::NotFound(Kind::Invitation));
    }
    if invitation.used_at.is_some() {
        let detail = "it was accepted: remove the member instead";
        return Err(Error::Taken { code: "invitation_used", detail });
    }
    if invitation.revoked_at.is_some() {
        return Ok(invitation);
    }
    repository::set_revoked(uow, &project, id)?;
    uow.record(Some(scope.user()), &InvitationChanged::new(Change::Revoked, &project, &invitation));
    Ok(Invitation { revoked_at: Some(uow.now()), ..invitation })
}

/// Revokes what else would let a member in again who is removed. A step of removing a member.
pub(in crate::domain::projects) fn revoke_of_member(
    uow: &mut UnitOfWork<'_>,
    by: UserId,
    project: &Authorized<Project>,
    user: UserId,
) -> Result<(), Error> {
    for invitation in repository::open_to(uow, project, user)? {
        repository::set_revoked(uow, project, invitation.id)?;
        uow.record(Some(by), &InvitationChanged::new(Change::Revoked, project, &invitation));
    }
    Ok(())
}

/// Accepts an invitation: the caller becomes a member. Accepted again by the same member, it is the same.
pub(crate) fn accept(uow: &mut UnitOfWork<'_>, scope: &Scope, wanted: &Wanted) -> Result<Project, Error> {
    let (project, shown) = lock_shown(uow, wanted)?;
    let shown = authorize(uow, scope, shown, ACCEPT)?;
    let invitation = &shown.invitation;
    let user = scope.user();
    if invitation.used_by == Some(user) && project.member(user).is_some() {
        return Ok(project);
    }
    check_is_open(uow, invitation)?;
    check_inviter(uow, &project, invitation.invited_by)?;
    check_is_no_member(&project, user)?;
    if project.members.len() >= MOST_MEMBERS {
        let detail = "it has as many members as a project may have";
        return Err(Error::Taken { code: "project_full", detail });
    }
    if !repository::set_used(uow, &shown, user)? {
        return Err(used());
    }
    let (invitation, role) = (invitation.clone(), invitation.role);
    // The invitation is the right: an owner gave it.
    let project = members::join(uow, scope, by_system(project), Member { user, role })?;
    uow.record(Some(user), &InvitationChanged::new(Change::Accepted, &project, &invitation));
    Ok(project)
}

/// Declines an invitation. One that is declined or revoked already stays so.
pub(crate) fn decline(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: InvitationId,
) -> Result<Invitation, Error> {
    let (project, shown) = lock_shown(uow, &Wanted::Named(id))?;
    let shown: Authorized<Shown> = authorize(uow, scope, shown, DECLINE)?;
    let invitation = shown.invitation.clone();
    if invitation.used_at.is_some() {
        return Err(used());
    }
    if invitation.revoked_at.is_some() {
        return Ok(invitation);
    }
    repository::set_declined(uow, &shown)?;
    uow.record(Some(scope.user()), &InvitationChanged::new(Change::Declined, &project, &invitation));
    Ok(Invitation { revoked_at: Some(uow.now()), ..invitation })
}

/// Finds an invitation, locks its project, and reads it again: what was open may have been used meanwhile.
fn lock_shown(uow: &mut UnitOfWork<'_>, wanted: &Wanted) -> Result<(Project, Shown), Error> {
    let (found, by_secret) = match wanted {
        Wanted::Named(id) => (repository::find(uow, *id)?, false),
        Wanted::BySecret(hash) => (repository::find_by_hash(uow, hash)?, true),
    };
    let found = found.ok_or(Error::NotFound(Kind::Invitation))?;
    let project = projects::repository::lock(uow, found.project_id)?;
    Ok((project, Shown { invitation: load(uow, found.id)?, by_secret }))
}

fn load(uow: &mut UnitOfWork<'_>, id: InvitationId) -> Result<Invitation, Error> {
    repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Invitation))
}

fn used() -> Error {
    Error::Taken { code: "invitation_used", detail: "this invitation was accepted already" }
}

fn check_is_open(uow: &UnitOfWork<'_>, invitation: &Invitation) -> Result<(), Error> {
    if invitation.used_at.is_some() {
        return Err(used());
    }
    if invitation.revoked_at.is_some() {
        return Err(Error::Taken { code: "invitation_revoked", detail: "this invitation was revoked" });
    }
    if invitation.expires_at <= uow.now() {
        return Err(Error::Taken { code: "invitation_expired", detail: "this invitation has expired" });
    }
    Ok(())
}

/// Who invites must still be able to: an active user who is an owner, or an admin.
fn check_inviter(uow: &mut UnitOfWork<'_>, project: &Project, inviter: UserId) -> Result<(), Error> {
    let is_owner = project.member(inviter).is_some_and(|member| member.role == ProjectRole::Owner);
    let user = users::repository::find(uow, inviter)?.filter(|user| user.is_active);
    if user.is_some_and(|user| is_owner || user.role == Role::Admin) {
        return Ok(());
    }
    Err(Error::Taken { code: "invitation_void", detail: "whoever invited you may not do so any more" })
}

fn check_is_no_member(project: &Project, user: UserId) -> Result<(), Error> {
    match project.member(user) {
        None => Ok(()),
        Some(_) => Err(Error::Taken { code: "already_member", detail: "the user is a member already" }),
    }
}
