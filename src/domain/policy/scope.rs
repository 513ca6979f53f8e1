//! The authenticated caller of a use case: identity, role and token. Who may construct one is restricted, see
//! [`Scope::new`].

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::domain::users::{Plan, Role};
use crate::ids::{CallId, LoginId, TokenId, UserId};

/// An authenticated caller. Made by `auth` alone, after checking token, user and revocations.
#[derive(Clone, Debug)]
pub struct Scope(Arc<ScopeParts>, CallId);

/// Who acts as the user of a token (`act`, RFC 8693, section 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Impersonator {
    /// Somebody whom an outside issuer names.
    Outside(String),
    /// An admin of ours, and the admin's plan, whose limits apply.
    Admin(Viewer, Plan),
}

/// An admin who views the marketplace as somebody else, with the token that the admin showed for that. The view ends
/// with the right of that token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Viewer {
    /// The admin.
    pub(crate) user: UserId,
    /// The admin's id as audit rows have it.
    pub(crate) name: String,
    /// Issuer of the admin's token, if external.
    pub(crate) issuer: Option<Arc<str>>,
    /// `jti` of the admin's token.
    pub(crate) token: TokenId,
    /// The admin's login; for an external session, the id that stands for it.
    pub(crate) login: Option<LoginId>,
    /// `sid` of the admin's external token.
    pub(crate) outside_session: Option<Arc<str>>,
    /// `token_epoch` of the admin's row when the view began.
    pub(crate) token_epoch: Timestamp,
}

/// The contents of a scope.
#[derive(Clone, Debug)]
pub(crate) struct ScopeParts {
    /// The user's id.
    pub(crate) user: UserId,
    /// From our user row, not from the token.
    pub(crate) role: Role,
    /// From our user row; decides limits, never rights.
    pub(crate) plan: Plan,
    /// Case-folded, from our user row.
    pub(crate) email: String,
    /// `jti` of the token.
    pub(crate) token: TokenId,
    /// Issuer of the token, if external.
    pub(crate) issuer: Option<Arc<str>>,
    /// `sid` of our own tokens; for an external session, the id that stands for it.
    pub(crate) login: Option<LoginId>,
    /// `sid` of an external token.
    pub(crate) outside_session: Option<Arc<str>>,
    /// `exp` of the token.
    pub(crate) expires_at: Timestamp,
    /// `act` of the token: who acts as the user. Such a caller may read only, and nothing private.
    pub(crate) impersonator: Option<Impersonator>,
    /// A synthetic user of a load test: has no user row and may join `loadtest:` rooms only.
    pub(crate) is_synthetic: bool,
    /// `token_epoch` of the user row when it was read: an external token is void once the row has a later
    /// one.
    pub(crate) token_epoch: Timestamp,
    /// The command line (`souk user`): an admin without a user row.
    pub(crate) is_command_line: bool,
}

impl Scope {
    /// For `auth` alone; `tests/architecture.rs` enforces it.
    pub(crate) fn new(parts: ScopeParts, call: CallId) -> Self {
        Self(Arc::new(parts), call)
    }

    /// A user as if they called, for an admin who asks what they may do. It has no token, and nothing that it does may be
    /// committed.
    pub(in crate::domain) fn supposed(
        user: UserId,
        role: Role,
        plan: Plan,
        email: &str,
        call: CallId,
    ) -> Self {
        let parts = ScopeParts {
            user,
            role,
            plan,
            email: email.to_owned(),
            token: TokenId(String::new()),
            issuer: None,
            login: None,
            outside_session: None,
            expires_at: Timestamp::EPOCH,
            impersonator: None,
            is_synthetic: false,
            token_epoch: Timestamp::EPOCH,
            is_command_line: false,
        };
        Self(Arc::new(parts), call)
    }

    /// The same caller in another call (the next command of a session).
    pub(crate) fn in_call(&self, call: CallId) -> Self {
        Self(self.0.clone(), call)
    }

    /// The user's id.
    pub(crate) fn user(&self) -> UserId {
        self.0.user
    }

    /// The acting user for audit rows; `None` for the command line.
    pub(crate) fn actor(&self) -> Option<UserId> {
        (!self.0.is_command_line).then_some(self.0.user)
    }

    /// Whether the caller is the command line, which is no user.
    pub(crate) fn is_command_line(&self) -> bool {
        self.0.is_command_line
    }

    /// `token_epoch` of the user row when the token was checked.
    pub(crate) fn token_epoch(&self) -> Timestamp {
        self.0.token_epoch
    }

    /// The user's role, from our row.
    pub(crate) fn role(&self) -> Role {
        self.0.role
    }

    /// The user's plan, from our row.
    pub(crate) fn plan(&self) -> Plan {
        self.0.plan
    }

    /// The user's email address, case-folded.
    pub(crate) fn email(&self) -> &str {
        &self.0.email
    }

    /// `jti` of the token.
    pub(crate) fn token(&self) -> &TokenId {
        &self.0.token
    }

    /// Issuer of the token; `None` for our own.
    pub(crate) fn issuer(&self) -> Option<&Arc<str>> {
        self.0.issuer.as_ref()
    }

    /// `sid` of our own token; for an external session, the id that stands for it.
    pub(crate) fn login(&self) -> Option<LoginId> {
        self.0.login
    }

    /// `sid` of an external token.
    pub(crate) fn outside_session(&self) -> Option<&Arc<str>> {
        self.0.outside_session.as_ref()
    }

    /// `exp` of the token.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// Who acts as the user, if anybody does.
    pub(crate) fn impersonator(&self) -> Option<&str> {
        self.0.impersonator.as_ref().map(|impersonator| match impersonator {
            Impersonator::Outside(name) => name.as_str(),
            Impersonator::Admin(viewer, _) => viewer.name.as_str(),
        })
    }

    /// The admin of ours who acts as the user, if one does.
    pub(crate) fn viewer(&self) -> Option<&Viewer> {
        match &self.0.impersonator {
            Some(Impersonator::Admin(viewer, _)) => Some(viewer),
            Some(Impersonator::Outside(_)) | None => None,
        }
    }

    /// Whose limits the caller uses up, and the plan that they are of: an admin who views as somebody else takes
    /// nothing from that user.
    pub(crate) fn charged(&self) -> (UserId, Plan) {
        match &self.0.impersonator {
            Some(Impersonator::Admin(viewer, plan)) => (viewer.user, *plan),
            Some(Impersonator::Outside(_)) | None => (self.user(), self.plan()),
        }
    }

    /// Whether this is a synthetic user of a load test, who may join `loadtest:` rooms only.
    pub(crate) fn is_synthetic(&self) -> bool {
        self.0.is_synthetic
    }

    /// The current call's id, as in `X-Request-Id` and the log.
    pub(crate) fn call(&self) -> CallId {
        self.1
    }

    /// Whether the caller is an admin.
    pub(crate) fn is_admin(&self) -> bool {
        self.role() == Role::Admin
    }
}
