//! The authorization check and [`Authorized`], the proof that it was made. Every refusal and every access by
//! an admin is audited here.

use std::ops::Deref;

use crate::db::UnitOfWork;
use crate::db::audit_log::{NewAudit, Outcome};
use crate::domain::{Error, Kind};

use super::{Need, Resource, Right, Scope, Standing};

/// Why a caller was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// By their standing towards the row.
    Standing(Standing),
    /// As an admin; an audit row was written.
    Admin,
    /// No caller: the sweeper, or a further step of an authorized use case.
    System,
}

/// A row on which the policy has allowed this caller to act. Only the functions of this module construct it,
/// and the repositories' writes accept nothing else, so that forgetting the check does not compile:
///
/// ```compile_fail
/// use souk::domain::policy::{Authorized, Grant};
/// let forged = Authorized { row: 7, grant: Grant::Admin };
/// ```
#[derive(Debug)]
pub struct Authorized<T> {
    row: T,
    grant: Grant,
}

impl<T> Authorized<T> {
    /// Why the caller was allowed.
    pub fn grant(&self) -> Grant {
        self.grant
    }

    /// Unwraps the row; the proof is lost with it.
    pub fn into_row(self) -> T {
        self.row
    }
}

impl<T> Deref for Authorized<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.row
    }
}

/// Whether the caller's standing towards the row meets `need`. Being an admin does not count.
pub fn owns<T: Resource>(scope: &Scope, row: &T, need: Need) -> bool {
    need.is_met_by(row.standing(scope))
}

/// Requires that the caller's standing meets the right's need, or that the caller is an admin where admins
/// pass; an error otherwise.
pub fn authorize<T: Resource>(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    row: T,
    right: Right,
) -> Result<Authorized<T>, Error> {
    let standing = match scope.is_synthetic() && !T::FOR_LOAD_TESTS {
        true => Standing::Stranger,
        false => row.standing(scope),
    };
    let only_looks = scope.impersonator().is_some();
    let grant = if right.writes && only_looks {
        None
    } else if right.need.is_met_by(standing) {
        Some(Grant::Standing(standing))
    } else if scope.is_admin() && T::ADMIN_PASSES && right.need != Need::System {
        Some(Grant::Admin)
    } else {
        None
    };
    match grant {
        Some(Grant::Admin) => uow.audit(audit_row(scope, &row, right, Outcome::Admin))?,
        None => uow.audit(audit_row(scope, &row, right, Outcome::Refused))?,
        Some(_) => {}
    }
    match grant {
        Some(grant) => Ok(Authorized { row, grant }),
        None => Err(Error::Forbidden { action: right.action, kind: T::KIND, needed: right.need }),
    }
}

/// Authorization without a caller: for the sweeper (expiry) and for further rows of a use case whose caller
/// was authorized on the first one (accepting an offer books its request).
pub fn by_system<T: Resource>(row: T) -> Authorized<T> {
    Authorized { row, grant: Grant::System }
}

/// Requires an admin, for things without an owner: live connections, rooms, tokens, the audit trail. Audits
/// both the access and the refusal.
pub fn authorize_admin(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    right: Right,
    row_id: Option<String>,
) -> Result<(), Error> {
    let only_looks = scope.impersonator().is_some();
    let passes = scope.is_admin() && !(right.writes && only_looks);
    let outcome = if passes { Outcome::Admin } else { Outcome::Refused };
    uow.audit(NewAudit { row_id, ..audit_of(scope, right.action, right.kind, outcome, None) })?;
    if passes {
        return Ok(());
    }
    Err(Error::Forbidden { action: right.action, kind: right.kind, needed: Need::Admin })
}

/// Audits an admin's listing, which returns other users' rows without a check on each.
pub fn audit_listing(uow: &mut UnitOfWork<'_>, scope: &Scope, kind: Kind) -> Result<(), Error> {
    if !scope.is_admin() {
        return Ok(());
    }
    Ok(uow.audit(audit_of(scope, "list", kind, Outcome::Admin, None))?)
}

/// Audits an action that is recorded whoever takes it, with its reason if there is one.
pub fn audit_action<T: Resource>(
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
