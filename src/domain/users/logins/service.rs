//! Use cases of logins: opening, listing, ending, and revoking tokens.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::db::audit_log::{NewAudit, Outcome};
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{
    Authorized, Need, Right, Scope, authorize, authorize_admin, authorize_admin_because, authorize_own_list,
};
use crate::domain::users::{Reason, User, repository as users};
use crate::domain::{Error, Kind, Page, Slice};
use crate::events::{Revocation, RevocationReason};
use crate::ids::{CallId, LoginId, TokenId, UserId};

use super::rotation::idle_end;
use super::{Device, END, Lifetimes, Login, NewPair, RevocationTarget, Revoked, repository};

/// The right to list any user's logins.
const LIST_ANYBODYS: Right = Right::look(Kind::Login, "list", Need::Admin);
/// The right to end any user's login.
const END_ANYBODYS: Right = Right::change(Kind::Login, "end", Need::Admin);
/// The right to revoke any user's token.
const REVOKE: Right = Right::change(Kind::Token, "revoke", Need::Admin);

/// How long the revocation of an external session is kept. Only the issuer knows how long its sessions live,
/// and it goes on signing tokens for a session that it does not know has ended.
const LONGEST_OUTSIDE_SESSION: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Verifiers tolerate a few seconds of clock skew, so a revocation is kept a little longer than its token is
/// valid.
const SKEW: Duration = Duration::from_secs(60);

/// Opens a login of an active user; `None` if there is no such user.
///
/// Without a pair it is for a token minted on the command line and expires with it, at `lifetimes.max`.
pub(crate) fn open(
    uow: &mut UnitOfWork<'_>,
    user: UserId,
    device: &Device,
    lifetimes: &Lifetimes,
    pair: Option<&NewPair>,
) -> Result<Option<(User, Login)>, DbError> {
    let Some(user) = users::find(uow, user)?.filter(|user| user.is_active) else { return Ok(None) };
    let now = uow.now();
    let login = Login {
        id: LoginId::new(now),
        user_id: user.id,
        user_agent: device.user_agent.clone(),
        address: device.address.map(|address| address.to_string()),
        created_at: now,
        last_used_at: now,
        expires_at: now.plus(lifetimes.max),
        revoked_at: None,
    };
    repository::insert(uow, &login)?;
    if let Some(pair) = pair {
        repository::insert_pair(uow, login.id, None, pair, idle_end(now, &login, lifetimes))?;
    }
    Ok(Some((user, login)))
}

/// Records the use of one of our access tokens; `false` if its pair was withdrawn or its login ended
/// meanwhile.
pub(crate) fn touch(
    uow: &mut UnitOfWork<'_>,
    login: LoginId,
    jti: &TokenId,
    is_of_pair: bool,
) -> Result<bool, DbError> {
    // No idle limit here: the access tokens of an idle login remain valid until they expire.
    let used = repository::use_login(uow, login, Timestamp::EPOCH, None)?;
    Ok(used && (!is_of_pair || repository::use_access(uow, jti)?))
}

/// The caller's live logins, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    lifetimes: &Lifetimes,
    page: &Page<LoginId>,
) -> Result<Slice<Login, LoginId>, Error> {
    authorize_own_list::<Login>(uow, scope)?;
    let idle_since = uow.now().minus(lifetimes.idle);
    let rows = repository::live_of(uow, scope.user(), idle_since, page)?;
    let now = uow.now();
    // Uses are stored every few minutes only; the use by this call is known exactly.
    let seen = |login: Login| Login {
        last_used_at: if scope.login() == Some(login.id) { now } else { login.last_used_at },
        ..login
    };
    Ok(page.slice(rows, |login| login.id).map(seen))
}

/// Any user's live logins, newest first, for admins.
pub(crate) fn list_as_admin(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    user: UserId,
    lifetimes: Lifetimes,
    page: &Page<LoginId>,
) -> Result<Slice<Login, LoginId>, Error> {
    authorize_admin(uow, scope, LIST_ANYBODYS, None)?;
    users::find(uow, user)?.ok_or(Error::NotFound(Kind::User))?;
    let idle_since = uow.now().minus(lifetimes.idle);
    Ok(page.slice(repository::live_of(uow, user, idle_since, page)?, |login| login.id))
}

/// Ends one of the caller's logins, with its refresh tokens and live sessions. Idempotent.
pub(crate) fn end(uow: &mut UnitOfWork<'_>, scope: &Scope, id: LoginId) -> Result<(), Error> {
    let login = repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Login))?;
    let login = authorize(uow, scope, login, END)?;
    Ok(end_authorized(uow, &login, scope.call())?)
}

/// Ends the login, or the external session, of the caller's own token.
pub(crate) fn end_own(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    let Some(issuer) = scope.issuer() else {
        return scope.login().map_or(Ok(()), |login| end(uow, scope, login));
    };
    if scope.impersonator().is_some() {
        // There is no row for the policy to check, but its rule applies: an impersonating caller may only
        // read.
        let refused = NewAudit { outcome: Outcome::Refused, ..of_caller(scope, "acted as somebody else") };
        uow.audit(refused)?;
        return Err(Error::ReadOnly);
    }
    match (scope.outside_session(), scope.login()) {
        (Some(session), Some(sid)) => {
            let until = uow.now().plus(LONGEST_OUTSIDE_SESSION);
            repository::insert_revocation(uow, issuer, Revoked::Session, session, until)?;
            uow.end(Revocation::Login { sid, reason: RevocationReason::Revoked });
        }
        _ => {
            revoke_token(uow, Some(issuer.clone()), scope.token(), scope.expires_at())?;
        }
    }
    Ok(uow.audit(of_caller(scope, "logged out of an outside session"))?)
}

fn of_caller(scope: &Scope, detail: &str) -> NewAudit {
    let row = scope.login().map(|sid| sid.to_string());
    let impersonator = scope.impersonator().map(str::to_owned);
    NewAudit { impersonator, ..done(scope.user(), row, detail, scope.call()) }
}

/// Revokes a token on presentation: its bearer may give it up (RFC 7009). A refresh token ends its whole
/// login.
pub(crate) fn revoke(
    uow: &mut UnitOfWork<'_>,
    token: &RevocationTarget,
    call: CallId,
) -> Result<(), DbError> {
    match token {
        RevocationTarget::Access { issuer, jti, until } => {
            let until = until.unwrap_or(uow.now().plus(LONGEST_OUTSIDE_SESSION));
            if revoke_token(uow, issuer.clone(), jti, until)? {
                uow.audit(given_up(jti, call))?;
            }
            Ok(())
        }
        RevocationTarget::Refresh { hash } => {
            let Some(refresh) = repository::refresh_by_hash(uow, hash)? else { return Ok(()) };
            match repository::find(uow, refresh.login_id)? {
                Some(login) => end_login(uow, &login, call),
                None => Ok(()),
            }
        }
    }
}

/// Revokes one token before its expiry; `false` if it was revoked before. `issuer` is `None` for our own.
fn revoke_token(
    uow: &mut UnitOfWork<'_>,
    issuer: Option<Arc<str>>,
    jti: &TokenId,
    until: Timestamp,
) -> Result<bool, DbError> {
    let name = issuer.as_deref().unwrap_or_default();
    let is_new = repository::insert_revocation(uow, name, Revoked::Token, &jti.0, until.plus(SKEW))?;
    uow.end(Revocation::Token { issuer, jti: jti.clone(), reason: RevocationReason::Revoked });
    Ok(is_new)
}

/// Ends any user's login, as an admin. Idempotent.
pub(crate) fn end_as_admin(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: LoginId,
    reason: Option<&Reason>,
) -> Result<(), Error> {
    let reason = reason.map(Reason::as_str);
    authorize_admin_because(uow, scope, END_ANYBODYS, Some(id.to_string()), reason)?;
    let login = repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Login))?;
    repository::revoke(uow, login.id)?;
    uow.end(Revocation::Login { sid: login.id, reason: RevocationReason::Revoked });
    Ok(())
}

/// Revokes any user's token, as an admin: an access token by itself, a refresh token with its login.
pub(crate) fn revoke_as_admin(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    token: &RevocationTarget,
) -> Result<(), Error> {
    match token {
        RevocationTarget::Access { issuer, jti, until } => {
            authorize_admin(uow, scope, REVOKE, Some(jti.0.clone()))?;
            let until = until.unwrap_or(uow.now().plus(LONGEST_OUTSIDE_SESSION));
            revoke_token(uow, issuer.clone(), jti, until)?;
            Ok(())
        }
        RevocationTarget::Refresh { hash } => match repository::refresh_by_hash(uow, hash)? {
            Some(refresh) => end_as_admin(uow, scope, refresh.login_id, None),
            None => authorize_admin(uow, scope, REVOKE, None),
        },
    }
}

fn end_authorized(uow: &mut UnitOfWork<'_>, login: &Authorized<Login>, call: CallId) -> Result<(), DbError> {
    end_login(uow, login, call)
}

fn end_login(uow: &mut UnitOfWork<'_>, login: &Login, call: CallId) -> Result<(), DbError> {
    // Announced also if it had ended before: that commit may have been lost on its way to the hub.
    uow.end(Revocation::Login { sid: login.id, reason: RevocationReason::Revoked });
    if repository::revoke(uow, login.id)? {
        uow.audit(done(login.user_id, Some(login.id.to_string()), "ended by its user", call))?;
    }
    Ok(())
}

/// Audit row without an actor: the bearer of a token to revoke is not authenticated.
fn given_up(jti: &TokenId, call: CallId) -> NewAudit {
    NewAudit {
        actor: None,
        impersonator: None,
        outcome: Outcome::Done,
        action: REVOKE.action,
        kind: REVOKE.kind.as_str(),
        row_id: Some(jti.0.clone()),
        detail: Some("given up by its bearer".to_owned()),
        call: Some(call),
    }
}

fn done(user: UserId, row_id: Option<String>, detail: &str, call: CallId) -> NewAudit {
    NewAudit {
        actor: Some(user),
        impersonator: None,
        outcome: Outcome::Done,
        action: "end",
        kind: "login",
        row_id,
        detail: Some(detail.to_owned()),
        call: Some(call),
    }
}
