//! Refresh token rotation (RFC 9700, section 4.14.2): each use issues a new pair, and reuse revokes the whole
//! login, since thief and owner cannot be told apart. One exception: the response may have been lost on the
//! way.

use crate::clock::Timestamp;
use crate::db::audit_log::{NewAudit, Outcome};
use crate::db::{DbError, UnitOfWork};
use crate::domain::users::{User, repository as users};
use crate::events::{Revocation, RevocationReason};
use crate::ids::{CallId, TokenId};

use super::repository::{self, Refresh};
use super::{Device, Lifetimes, Login, NewPair};

/// Result of presenting a refresh token.
#[derive(Debug)]
pub(crate) enum Rotation {
    /// The new pair was issued, for this user and login.
    Turned(Box<(User, Login)>),
    /// The token is unknown or expired, or its login has ended.
    Refused,
    /// The token had been used before: the login is revoked.
    Reused,
}

/// Exchanges the refresh token with this hash for the pair `next`.
pub(crate) fn rotate(
    uow: &mut UnitOfWork<'_>,
    hash: &str,
    next: &NewPair,
    lifetimes: &Lifetimes,
    device: &Device,
    call: CallId,
) -> Result<Rotation, DbError> {
    let now = uow.now();
    let Some(first_look) = repository::refresh_by_hash(uow, hash)? else { return Ok(Rotation::Refused) };
    // Locks the login before deciding, which serializes concurrent uses of one token.
    if !repository::use_login(uow, first_look.login_id, now.minus(lifetimes.idle), Some(device))? {
        return Ok(Rotation::Refused);
    }
    let Some(shown) = repository::refresh_by_hash(uow, hash)? else { return Ok(Rotation::Refused) };
    let Some(login) = repository::find(uow, shown.login_id)? else { return Ok(Rotation::Refused) };
    let Some(user) = users::find(uow, login.user_id)?.filter(|user| user.is_active) else {
        return Ok(Rotation::Refused);
    };
    let first_use = shown.withdrawn_at.is_none() && repository::use_refresh(uow, shown.id)?;
    if !first_use && !take_back_lost_answer(uow, &shown)? {
        return end_family(uow, &login, call);
    }
    if first_use && shown.expires_at <= now {
        return Ok(Rotation::Refused);
    }
    repository::insert_pair(uow, login.id, Some(shown.id), next, idle_end(now, &login, lifetimes))?;
    Ok(Rotation::Turned(Box::new((user, login))))
}

/// When an unused pair of this login expires.
pub(super) fn idle_end(now: Timestamp, login: &Login, lifetimes: &Lifetimes) -> Timestamp {
    now.plus(lifetimes.idle).min(login.expires_at)
}

/// Whether the only pair issued for a used token was never used. Its response may have been lost: the pair is
/// withdrawn and one more may be issued, once. If the withdrawn pair is used after all, that is reuse.
fn take_back_lost_answer(uow: &mut UnitOfWork<'_>, shown: &Refresh) -> Result<bool, DbError> {
    if shown.withdrawn_at.is_some() {
        return Ok(false);
    }
    let bought = repository::bought_with(uow, shown.id)?;
    let [pair] = bought.as_slice() else { return Ok(false) };
    if pair.used_at.is_some() || pair.access_used_at.is_some() || pair.withdrawn_at.is_some() {
        return Ok(false);
    }
    repository::withdraw(uow, pair.id)?;
    uow.end(Revocation::Token {
        issuer: None,
        jti: TokenId(pair.access_jti.clone()),
        reason: RevocationReason::Revoked,
    });
    Ok(true)
}

fn end_family(uow: &mut UnitOfWork<'_>, login: &Login, call: CallId) -> Result<Rotation, DbError> {
    uow.end(Revocation::Login { sid: login.id, reason: RevocationReason::Revoked });
    if repository::revoke(uow, login.id)? {
        uow.audit(NewAudit {
            actor: Some(login.user_id),
            impersonator: None,
            outcome: Outcome::Done,
            action: "end",
            kind: "login",
            row_id: Some(login.id.to_string()),
            detail: Some("a refresh token was used twice".to_owned()),
            call: Some(call),
        })?;
    }
    Ok(Rotation::Reused)
}
