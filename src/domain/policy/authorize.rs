//! The authorization check and [`Authorized`], the proof that it was made. Every refusal and every access by
//! an admin is audited here.

use std::ops::Deref;

use crate::db::UnitOfWork;
use crate::db::audit_log::{NewAudit, Outcome};
use crate::domain::{Error, Kind};
use crate::ids::UserId;

use super::{Need, Resource, Right, Scope, Standing};

/// A row on which the policy has allowed this caller to act. Only the functions of this module construct it,
/// and the repositories' writes accept nothing else, so that forgetting the check does not compile:
///
/// ```compile_fail,E0451
/// use souk::domain::policy::Authorized;
/// let forged = Authorized { row: 7 };
/// ```
#[derive(Debug)]
pub struct Authorized<T> {
    row: T,
}

impl<T> Authorized<T> {
    /// Unwraps the row; the proof is lost with it.
    pub(crate) fn into_row(self) -> T {
        self.row
    }
}

impl<T> Deref for Authorized<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.row
    }
}

/// What the policy says of a caller, a row and a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The caller's standing towards the row.
    pub(crate) standing: Standing,
    /// Whether the caller may, and why.
    pub(crate) verdict: Verdict,
}

/// Whether a caller may, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Yes: the standing meets the need.
    ByStanding,
    /// Yes: admins pass where the standing alone would not do.
    AsAdmin,
    /// No: the standing does not meet the need.
    NoStanding,
    /// No: the caller acts as somebody else, and may only read.
    ReadsOnly,
    /// No: the caller acts as somebody else, to whom it is private.
    Private,
}

/// Decides, and does nothing else: [`authorize`] acts on it, `explain` tells it to people.
pub(super) fn decide<T: Resource>(scope: &Scope, row: &T, right: Right) -> Decision {
    let standing = match scope.is_synthetic() && !T::FOR_LOAD_TESTS {
        true => Standing::Stranger,
        false => row.standing(scope),
    };
    let passes_as_admin = scope.is_admin() && T::ADMIN_PASSES && right.need != Need::System;
    let verdict = if right.writes && scope.impersonator().is_some() {
        Verdict::ReadsOnly
    } else if T::IS_PRIVATE && scope.impersonator().is_some() {
        Verdict::Private
    } else if right.need.is_met_by(standing) {
        Verdict::ByStanding
    } else if passes_as_admin {
        Verdict::AsAdmin
    } else {
        Verdict::NoStanding
    };
    Decision { standing, verdict }
}

/// Requires that the caller's standing meets the right's need, or that the caller is an admin where admins
/// pass; an error otherwise.
pub(crate) fn authorize<T: Resource>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    row: T,
    right: Right,
) -> Result<Authorized<T>, Error> {
    let refusal = match decide(scope, &row, right).verdict {
        Verdict::ByStanding => return Ok(Authorized { row }),
        Verdict::AsAdmin => {
            uow.audit(audit_row(scope, &row, right, Outcome::Admin))?;
            return Ok(Authorized { row });
        }
        Verdict::NoStanding => Error::Forbidden { action: right.action, kind: T::KIND, needed: right.need },
        Verdict::ReadsOnly => Error::ReadOnly,
        Verdict::Private => Error::Private(T::KIND),
    };
    uow.audit(audit_row(scope, &row, right, Outcome::Refused))?;
    Err(refusal)
}

/// Requires of a caller who lists rows of their own, without a check on each, that they may see them: whoever acts as
/// their owner sees nothing private.
pub(crate) fn authorize_own_list<T: Resource>(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    if !T::IS_PRIVATE || scope.impersonator().is_none() {
        return Ok(());
    }
    uow.audit(audit_of(scope, "list", T::KIND, Outcome::Refused, None))?;
    Err(Error::Private(T::KIND))
}

/// Refuses what a caller who acts as somebody else asked to change, at the edge: whatever it is, and whether or not a
/// use case would refuse it. `what` was asked for.
pub(crate) fn refuse_write(uow: &mut UnitOfWork<'_>, scope: &Scope, what: &str) -> Error {
    match uow.audit(audit_of(scope, "write", Kind::Token, Outcome::Refused, Some(what))) {
        Ok(()) => Error::ReadOnly,
        Err(error) => error.into(),
    }
}

/// Authorization without a caller: for the sweeper (expiry) and for further rows of a use case whose caller
/// was authorized on the first one (accepting an offer books its request).
pub(crate) fn by_system<T: Resource>(row: T) -> Authorized<T> {
    Authorized { row }
}

/// Requires an admin, for things without an owner: live connections, rooms, tokens, the audit trail. Audits
/// both the access and the refusal.
pub(crate) fn authorize_admin(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    right: Right,
    row_id: Option<String>,
) -> Result<(), Error> {
    authorize_admin_because(uow, scope, right, row_id, None)
}

/// As [`authorize_admin`], with the reason that the admin gives.
pub(crate) fn authorize_admin_because(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    right: Right,
    row_id: Option<String>,
    reason: Option<&str>,
) -> Result<(), Error> {
    let only_looks = scope.impersonator().is_some();
    let passes = scope.is_admin() && !(right.writes && only_looks);
    let outcome = if passes { Outcome::Admin } else { Outcome::Refused };
    uow.audit(NewAudit { row_id, ..audit_of(scope, right.action, right.kind, outcome, reason) })?;
    if passes {
        return Ok(());
    }
    if right.writes && only_looks {
        return Err(Error::ReadOnly);
    }
    Err(Error::Forbidden { action: right.action, kind: right.kind, needed: Need::Admin })
}

/// Audits an admin's listing, which returns other users' rows without a check on each.
fn audit_listing(uow: &mut UnitOfWork<'_>, scope: &Scope, kind: Kind) -> Result<(), Error> {
    if !scope.is_admin() {
        return Ok(());
    }
    Ok(uow.audit(audit_of(scope, "list", kind, Outcome::Admin, None))?)
}

/// As [`audit_listing`], of one user's rows if `user` is given, which only admins may ask for.
pub(crate) fn audit_listing_of(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    kind: Kind,
    user: Option<UserId>,
) -> Result<(), Error> {
    let Some(user) = user else { return audit_listing(uow, scope, kind) };
    let right = Right::look(kind, "list", Need::Admin);
    authorize_admin_because(uow, scope, right, None, Some(&format!("of user {user}")))
}

/// Audits an action that is recorded whoever takes it, with its reason if there is one.
pub(crate) fn audit_action<T: Resource>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    row: &T,
    right: Right,
    reason: Option<&str>,
) -> Result<(), Error> {
    let row_id = Some(row.row_id());
    Ok(uow.audit(NewAudit { row_id, ..audit_of(scope, right.action, T::KIND, Outcome::Done, reason) })?)
}

fn audit_row<T: Resource>(scope: &Scope, row: &T, right: Right, outcome: Outcome) -> NewAudit {
    NewAudit { row_id: Some(row.row_id()), ..audit_of(scope, right.action, T::KIND, outcome, None) }
}

/// An audit row about this caller. The command line has no user id and is named in the detail instead.
fn audit_of(
    scope: &Scope,
    action: &'static str,
    kind: Kind,
    outcome: Outcome,
    reason: Option<&str>,
) -> NewAudit {
    let detail = match (scope.is_command_line(), reason) {
        (true, Some(reason)) => Some(format!("command line: {reason}")),
        (true, None) => Some("command line".to_owned()),
        (false, reason) => reason.map(str::to_owned),
    };
    NewAudit {
        actor: scope.actor(),
        impersonator: scope.impersonator().map(str::to_owned),
        outcome,
        action,
        kind: kind.as_str(),
        row_id: None,
        detail,
        call: Some(scope.call()),
    }
}
