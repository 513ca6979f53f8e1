//! Who asks, and by what right they may ask.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::domain::users::{Plan, Role};
use crate::ids::{CallId, LoginId, TokenId, UserId};

/// An authenticated caller. Made by `auth` alone, after it has checked token, user and revocations.
#[derive(Clone, Debug)]
pub struct Scope(Arc<ScopeParts>, CallId);

/// What a scope is made of.
#[derive(Clone, Debug)]
pub struct ScopeParts {
    /// Who.
    pub user: UserId,
    /// From our own row, not from the token.
    pub role: Role,
    /// From our own row.
    pub plan: Plan,
    /// Case-folded; of the user's own.
    pub email: String,
    /// `jti` of the token.
    pub token: TokenId,
    /// Issuer of the token when it is not ours.
    pub issuer: Option<Arc<str>>,
    /// `sid` of our own tokens; for an outside session, the id that stands for it.
    pub login: Option<LoginId>,
    /// `sid` of an outside token.
    pub outside_session: Option<Arc<str>>,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// `act` of an outside token: who really sits at the keyboard. Such a caller may look and not write.
    pub impersonator: Option<String>,
    /// A load test's: there is no row of this user, and nothing but `loadtest:` rooms lets it in.
    pub is_synthetic: bool,
    /// `token_epoch` of the user's row when it was read: once the row has a later one, an outside token is void.
    pub token_epoch: Timestamp,
    /// Whoever may run commands on the server's data (`souk user`): an admin of whom there is no row.
    pub is_command_line: bool,
}

impl Scope {
    /// For `auth` alone; `tests/architecture.rs` holds the others to it.
    pub fn new(parts: ScopeParts, call: CallId) -> Self {
        Self(Arc::new(parts), call)
    }

    /// The same caller in another call (the next command of a session).
    pub fn in_call(&self, call: CallId) -> Self {
        Self(self.0.clone(), call)
    }

    /// Who.
    pub fn user(&self) -> UserId {
        self.0.user
    }

    /// Who, for the audit trail; nobody for the command line.
    pub fn actor(&self) -> Option<UserId> {
        (!self.0.is_command_line).then_some(self.0.user)
    }

    /// Whether this is the command line, and no user at all.
    pub fn is_command_line(&self) -> bool {
        self.0.is_command_line
    }

    /// `token_epoch` of the user's row when the token was checked.
    pub fn token_epoch(&self) -> Timestamp {
        self.0.token_epoch
    }

    /// The user's role.
    pub fn role(&self) -> Role {
        self.0.role
    }

    /// The user's plan.
    pub fn plan(&self) -> Plan {
        self.0.plan
    }

    /// The user's email address.
    pub fn email(&self) -> &str {
        &self.0.email
    }

    /// `jti` of the token.
    pub fn token(&self) -> &TokenId {
        &self.0.token
    }

    /// Issuer of the token, when it is not ours.
    pub fn issuer(&self) -> Option<&Arc<str>> {
        self.0.issuer.as_ref()
    }

    /// `sid` of our own token; for an outside session, the id that stands for it.
    pub fn login(&self) -> Option<LoginId> {
        self.0.login
    }

    /// `sid` of an outside token.
    pub fn outside_session(&self) -> Option<&Arc<str>> {
        self.0.outside_session.as_ref()
    }

    /// When the token ends.
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// Who really sits at the keyboard, when somebody impersonates the user.
    pub fn impersonator(&self) -> Option<&str> {
        self.0.impersonator.as_deref()
    }

    /// Whether this is a load test's user, whom only `loadtest:` rooms let in.
    pub fn is_synthetic(&self) -> bool {
        self.0.is_synthetic
    }

    /// The call this is about, as in `X-Request-Id` and the log.
    pub fn call(&self) -> CallId {
        self.1
    }

    /// Whether the caller is an admin.
    pub fn is_admin(&self) -> bool {
        self.role() == Role::Admin
    }
}
