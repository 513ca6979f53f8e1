//! From a token to a `Scope`: first the checks that the token alone allows, then those against our own rows.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;
use crate::db::audit_log::{NewAudit, Outcome};
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Impersonator, Scope, ScopeParts};
use crate::domain::users::logins::{self, NOTED_EVERY, Revoked, TokenRecord};
use crate::domain::users::views::{self, ShownView};
use crate::domain::users::{self, DisplayName, ExternalUser, Role, User};
use crate::domain::{Error, Kind};
use crate::ids::{CallId, LoginId, TokenId, UserId};
use crate::limits::CallerLimits;

use super::issuers::{OutsideToken, Provisioning};
use super::token::Unverified;
use super::token::own::{Basis, OwnToken, ViewBasis};
use super::{AUDITED_REFUSALS, Auth, AuthError, TokenRefusal};

/// A token whose signature, claims and lifetime are valid; it has not been checked against the database yet.
pub(crate) struct Verified(pub(super) ProvenToken);

pub(super) enum ProvenToken {
    Own(OwnToken),
    Outside(Box<OutsideToken>),
}

/// A refused token, with the user whom it concerns once its signature has proven that.
#[derive(Debug)]
pub(crate) struct Refused {
    error: AuthError,
    user: Option<UserId>,
}

impl Refused {
    /// The reason.
    pub(crate) fn error(&self) -> &AuthError {
        &self.error
    }

    /// The reason, by value.
    pub(crate) fn into_error(self) -> AuthError {
        self.error
    }
}

impl<E: Into<AuthError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self { error: error.into(), user: None }
    }
}

impl Auth {
    /// Authenticates a token for one call: [`Auth::prove`], then [`Auth::admit`], unless that was done a moment
    /// ago.
    pub async fn authenticate(&self, token: &str, call: CallId) -> Result<Scope, AuthError> {
        let digest = Sha256::digest(token).into();
        let now = self.clock.now();
        if let Some(scope) = self.cache.get(&digest, now, call) {
            return Ok(scope);
        }
        let identified = match self.prove(token).await {
            Ok(proven) => self.cache.check(&digest, now, call, self.admit(proven, call)).await,
            Err(refused) => Err(refused),
        };
        match identified {
            Ok(scope) => Ok(scope),
            Err(refused) => {
                self.note_refusal(&refused, None, call).await;
                Err(refused.error)
            }
        }
    }

    /// Like [`Auth::authenticate`], for a caller that is not trusted yet. Once the address has used up its
    /// rate, a token that keeps being refused is not looked up in the database any more.
    ///
    /// Charges nothing to the address and notes no refusal: the caller does, in this order, so that a refusal
    /// beyond the rate costs no more than its answer.
    pub(crate) async fn identify(
        &self,
        token: &str,
        address: IpAddr,
        rates: &CallerLimits,
        call: CallId,
    ) -> Result<Scope, Refused> {
        let digest = Sha256::digest(token).into();
        let now = self.clock.now();
        if let Some(scope) = self.cache.get(&digest, now, call) {
            return Ok(scope);
        }
        let proven = self.prove(token).await?;
        if rates.may_look_up(&digest, address).is_err() {
            // The address's budget is exhausted, which is the answer that the caller gets.
            return Err(AuthError::Missing.into());
        }
        let admitted = self.cache.check(&digest, now, call, self.admit(proven, call)).await;
        if admitted.as_ref().is_err_and(|refused| refused.error().is_verdict()) {
            rates.refused(digest);
        }
        admitted
    }

    /// Checks what needs no database: form, key, signature, claims. Cheap enough to run on any
    /// unauthenticated request.
    pub(crate) async fn prove(&self, token: &str) -> Result<Verified, Refused> {
        let unverified = Unverified::parse(token)?;
        if unverified.issuer().is_some_and(|issuer| self.own.issues_as(issuer)) {
            return Ok(Verified(ProvenToken::Own(self.own.verify(&unverified, self.clock.now())?)));
        }
        Ok(Verified(ProvenToken::Outside(Box::new(self.issuers.verify(&unverified).await?))))
    }

    /// Checks the token against our rows: whether it was revoked, and whether its user is active.
    pub(crate) async fn admit(&self, proven: Verified, call: CallId) -> Result<Scope, Refused> {
        match proven.0 {
            ProvenToken::Own(OwnToken { basis, user, role, jti, expires_at }) => match basis {
                Basis::Login(login) => {
                    self.admit_own(LoginToken { user, role, jti, login, expires_at }, call).await
                }
                Basis::View(view) => {
                    let ViewBasis { viewer, user_epoch } = *view;
                    let shown = ShownView { user, role, user_epoch, token: jti, viewer };
                    self.admit_view(shown, expires_at, call).await
                }
            },
            ProvenToken::Outside(outside) => self.admit_outside(*outside, call).await,
        }
    }

    async fn admit_own(&self, token: LoginToken, call: CallId) -> Result<Scope, Refused> {
        let concerned = |error| Refused { error, user: Some(token.user) };
        let shown = async || {
            let (login, jti) = (token.login, token.jti.clone());
            let shown = self.db.read(move |uow| logins::repository::shown(uow, login, &jti)).await?;
            check(&token, shown, self.clock.now()).map_err(concerned)
        };
        let checked = shown().await?;
        if let Some(is_of_pair) = self.use_to_note(&checked) {
            let (login, jti) = (token.login, token.jti.clone());
            let noted =
                self.db.write(move |uow| logins::service::touch(uow, login, &jti, is_of_pair)).await?;
            if !noted {
                // It has ended since it was read: what is there now says why.
                shown().await?;
                return Err(concerned(TokenRefusal::Revoked.into()));
            }
        }
        let parts = ScopeParts {
            user: checked.user.id,
            token_epoch: checked.user.token_epoch,
            role: checked.user.role,
            plan: checked.user.plan,
            email: checked.user.email,
            token: token.jti,
            issuer: None,
            login: Some(token.login),
            outside_session: None,
            expires_at: token.expires_at.min(checked.login.expires_at),
            impersonator: None,
            is_synthetic: false,
            is_command_line: false,
        };
        Ok(Scope::new(parts, call))
    }

    /// The user as whom an admin views, while both have the right to it.
    async fn admit_view(
        &self,
        shown: ShownView,
        expires_at: Timestamp,
        call: CallId,
    ) -> Result<Scope, Refused> {
        let (token, viewer) = (shown.token.clone(), shown.viewer.clone());
        let good = self.db.read(move |uow| views::check(uow, &shown)).await?;
        let revoked = || Refused { error: TokenRefusal::Revoked.into(), user: Some(viewer.user) };
        let (user, plan) = good.ok_or_else(revoked)?;
        let parts = ScopeParts {
            user: user.id,
            token_epoch: user.token_epoch,
            role: user.role,
            plan: user.plan,
            email: user.email,
            token,
            issuer: None,
            login: None,
            outside_session: None,
            expires_at,
            impersonator: Some(Impersonator::Admin(viewer, plan)),
            is_synthetic: false,
            is_command_line: false,
        };
        Ok(Scope::new(parts, call))
    }

    /// Whether this use must be recorded, and if so whether on the token's pair as well: a pair whose access
    /// token was used has reached the client, which a repeated refresh depends on.
    fn use_to_note(&self, shown: &TokenRecord) -> Option<bool> {
        let first_of_pair = shown.pair.is_some_and(|pair| pair.access_used_at.is_none());
        let stale = shown.login.last_used_at.plus(NOTED_EVERY) <= self.clock.now();
        (first_of_pair || stale).then_some(first_of_pair)
    }

    async fn admit_outside(&self, token: OutsideToken, call: CallId) -> Result<Scope, Refused> {
        let (issuer, subject) = (token.issuer.clone(), token.subject.clone());
        let (session, jti) = (token.session.clone(), token.jti.clone());
        let (known, is_revoked) = self
            .db
            .read(move |uow| {
                let user = users::repository::find_by_identity(uow, &issuer, &subject)?;
                let mut revoked = logins::repository::is_revoked(uow, &issuer, Revoked::Token, &jti.0)?;
                if let Some(session) = &session {
                    revoked |= logins::repository::is_revoked(uow, &issuer, Revoked::Session, session)?;
                }
                Ok::<_, DbError>((user, revoked))
            })
            .await?;
        let concerned = |error| Refused { error, user: known.as_ref().map(|user| user.id) };
        if is_revoked {
            return Err(concerned(TokenRefusal::Revoked.into()));
        }
        if let Some(user) = &known {
            check_outside_user(&token, user).map_err(concerned)?;
        }
        let user = match known {
            Some(user) => user,
            None => self.provision(&token).await?,
        };
        let parts = ScopeParts {
            user: user.id,
            token_epoch: user.token_epoch,
            role: user.role,
            plan: user.plan,
            email: user.email,
            token: token.jti,
            issuer: Some(token.issuer),
            login: token.login,
            outside_session: token.session,
            expires_at: token.expires_at,
            impersonator: token.actor.map(Impersonator::Outside),
            is_synthetic: false,
            is_command_line: false,
        };
        Ok(Scope::new(parts, call))
    }

    /// Creates the user for an outside token, where provisioning is allowed. An impersonating token (`act`)
    /// creates nobody.
    async fn provision(&self, token: &OutsideToken) -> Result<User, AuthError> {
        if token.provisioning == Provisioning::Never || token.actor.is_some() {
            return Err(AuthError::UnknownOrInactive);
        }
        let newcomer = ExternalUser {
            issuer: token.issuer.to_string(),
            subject: token.subject.clone(),
            email: token.profile.email.as_deref().and_then(|text| text.parse().ok()),
            display_name: token.profile.name.as_deref().and_then(|text| DisplayName::parse(text).ok()),
            role: token.profile.role.unwrap_or(Role::Consumer),
        };
        let make = move |uow: &mut UnitOfWork<'_>| users::service::provision(uow, &newcomer);
        let made = match self.db.write(make.clone()).await {
            // A concurrent call of the same new user inserted first (PostgreSQL): now the row exists.
            Err(Error::Taken { .. }) => self.db.write(make).await,
            made => made,
        };
        match made {
            Ok(user) if user.is_active => Ok(user),
            Ok(_) => Err(AuthError::UnknownOrInactive),
            Err(Error::Db(error)) => Err(error.into()),
            Err(error) => Err(AuthError::Internal(Box::new(error))),
        }
    }

    /// Logs the refusal, and adds it to the audit trail within the rate limit for refused tokens. `from` is the
    /// address of a caller that is not connected yet.
    pub(crate) async fn note_refusal(&self, refused: &Refused, from: Option<IpAddr>, call: CallId) {
        let Refused { error, user } = refused;
        if matches!(error, AuthError::Missing) {
            return;
        }
        self.metrics.refused(error.code());
        match error {
            AuthError::Internal(_) => log::error!(request_id:% = call; "{error}"),
            AuthError::Unavailable { .. } => log::debug!(request_id:% = call; "{error}"),
            AuthError::Overloaded { .. } => log::warn!(request_id:% = call; "{error}"),
            _ => log::info!(request_id:% = call, reason = error.code(); "refused a token: {error}"),
        }
        if !error.is_verdict() {
            return;
        }
        if let Some(address) = from {
            self.note_address(address);
        }
        self.audit_refusal(error.code(), "authenticate", "token", error.code().to_owned(), *user, call).await;
    }

    /// Adds a refused handshake to the audit trail, within the same rate limit for each reason: one without a
    /// token, from a foreign web page, or beyond a limit.
    pub(crate) async fn note_refused_handshake(
        &self,
        endpoint: &'static str,
        reason: &'static str,
        user: Option<UserId>,
        call: CallId,
    ) {
        let detail = format!("{endpoint}: {reason}");
        self.audit_refusal(reason, "connect", Kind::Connection.as_str(), detail, user, call).await;
    }

    /// Counts a refusal of this address, and tells of a burst.
    pub(super) fn note_address(&self, address: IpAddr) {
        if self.bursts.refused(address) {
            self.metrics.burst();
            log::warn!(address:% = address; "an address was refused 30 times within a minute");
        }
    }

    async fn audit_refusal(
        &self,
        reason: &'static str,
        action: &'static str,
        kind: &'static str,
        detail: String,
        actor: Option<UserId>,
        call: CallId,
    ) {
        if self.audited.take(reason, AUDITED_REFUSALS).is_err() {
            return;
        }
        let (outcome, detail) = (Outcome::Refused, Some(detail));
        let row = NewAudit {
            actor,
            impersonator: None,
            outcome,
            action,
            kind,
            row_id: None,
            detail,
            call: Some(call),
        };
        if let Err(error) = self.db.write(move |uow| uow.audit(row.clone())).await {
            log::warn!(request_id:% = call; "a refusal was not audited: {error}");
        }
    }
}

/// A token of our own that depends on a login.
struct LoginToken {
    user: UserId,
    role: Role,
    jti: TokenId,
    login: LoginId,
    expires_at: Timestamp,
}

/// Checks our own token against its row.
fn check(token: &LoginToken, shown: Option<TokenRecord>, now: Timestamp) -> Result<TokenRecord, AuthError> {
    let shown = shown.ok_or(AuthError::UnknownOrInactive)?;
    if shown.user.id != token.user {
        return Err(TokenRefusal::Claim.into());
    }
    if !shown.user.is_active {
        return Err(AuthError::UnknownOrInactive);
    }
    let is_withdrawn = shown.pair.is_some_and(|pair| pair.withdrawn_at.is_some());
    if shown.is_revoked || is_withdrawn || shown.login.revoked_at.is_some() || shown.user.role != token.role {
        return Err(TokenRefusal::Revoked.into());
    }
    if shown.login.expires_at <= now {
        return Err(AuthError::Expired);
    }
    Ok(shown)
}

/// Checks an outside token against its user's row. The user's token epoch is compared in whole seconds, which
/// is all that issuers write: a token issued in the epoch's own second is refused, and a moment later the
/// client has a newer one.
fn check_outside_user(token: &OutsideToken, user: &User) -> Result<(), AuthError> {
    if !user.is_active {
        return Err(AuthError::UnknownOrInactive);
    }
    let epoch = user.token_epoch;
    let is_newer = |issued_at: Timestamp| issued_at.as_seconds() > epoch.as_seconds();
    if epoch > Timestamp::EPOCH && !token.issued_at.is_some_and(is_newer) {
        return Err(TokenRefusal::Revoked.into());
    }
    Ok(())
}
