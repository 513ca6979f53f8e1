//! The check, and the value that proves it.

use std::ops::Deref;

use crate::db::UnitOfWork;
use crate::db::audit_log::{NewAudit, Outcome};
use crate::domain::{Error, Kind};

use super::{Need, Resource, Right, Scope, Standing};

/// By what right a caller passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// By their standing.
    Standing(Standing),
    /// By being an admin; the audit row is written.
    Admin,
    /// By being no caller at all: time, or a step of a use case that was itself authorized.
    System,
}

/// A row on which the policy has allowed this caller to act. It has no other constructor, and repositories' writes
/// accept nothing else, so that forgetting the check does not compile:
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
    /// By what right.
    pub fn grant(&self) -> Grant {
        self.grant
    }

    /// The row, once nothing more is to be done with the right.
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

/// *Does this caller own this row?* By standing alone; an admin does not own what is another's.
pub fn owns<T: Resource>(scope: &Scope, row: &T, need: Need) -> bool {
    need.is_met_by(row.standing(scope))
}

/// *Require it*: the row for who has the standing, or for an admin where admins pass; an error for everybody else.
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

/// The system's own passing: for what time does (expiry) and for the further rows of a use case whose caller was
/// authorized on the first (accepting an offer books its request).
pub fn by_system<T: Resource>(row: T) -> Authorized<T> {
    Authorized { row, grant: Grant::System }
}

/// *Require an admin*, where there is no row of which somebody could be the owner: live connections, rooms, tokens, the
/// audit trail. The passing writes its audit row by itself, and so does a refusal.
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

/// What an admin's browsing leaves behind: their list shows what is others', without a row to pass the check on.
pub fn audit_listing(uow: &mut UnitOfWork<'_>, scope: &Scope, kind: Kind) -> Result<(), Error> {
    if !scope.is_admin() {
        return Ok(());
    }
    Ok(uow.audit(audit_of(scope, "list", kind, Outcome::Admin, None))?)
}

/// Writes a deed into the audit trail that people will ask about later, with its reason where there is one.
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

/// What the trail says of a caller. The command line is no user: it is named in words.
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
