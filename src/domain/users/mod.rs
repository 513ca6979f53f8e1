//! Users: accounts that can authenticate, and their logins.
//!
//! How a password, a token or an external issuer proves an identity is `auth`'s; the rows are kept here.

mod email;
pub(crate) mod logins;
pub(crate) mod repository;
mod role;
pub mod service;
mod suspension;
pub(crate) mod views;

pub(crate) use email::Email;
pub use role::{Plan, Role};

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::SingleLine;
use crate::ids::{ConsumerId, ProviderId, UserId};

/// Reason that an admin gives for an action on a user.
pub type Reason = SingleLine<500>;

/// A user's name, as others see it.
pub type DisplayName = SingleLine<80>;

/// A user row, without credentials.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable)]
pub struct User {
    /// Primary key.
    pub id: UserId,
    /// Case-folded.
    pub(crate) email: String,
    /// The external issuer that identifies the user, if any.
    pub(crate) issuer: Option<String>,
    /// `sub` at that issuer.
    pub(crate) clerk_id: Option<String>,
    /// Name, as others see it.
    pub(crate) display_name: String,
    /// Side of the marketplace; decides rights.
    pub(crate) role: Role,
    /// Decides limits.
    pub(crate) plan: Plan,
    /// `false` if suspended; a suspended user is refused everywhere.
    pub(crate) is_active: bool,
    /// Tokens issued before this time are invalid.
    pub(crate) token_epoch: Timestamp,
    /// Incremented by each change; compared with `If-Match`.
    pub(crate) version: i64,
    /// Time of registration.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
}

impl User {
    /// The `token_epoch` of a change that voids all tokens now: later than any before, whatever the clocks of the
    /// nodes say.
    fn next_epoch(&self, now: Timestamp) -> Timestamp {
        now.max(self.token_epoch.plus(Duration::from_micros(1)))
    }
}

/// A user to create with a password.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Case-folded.
    pub email: Email,
    /// Name, as others see it.
    pub display_name: DisplayName,
    /// Side of the marketplace.
    pub role: Role,
    /// Decides limits.
    pub plan: Plan,
    /// Argon2id in PHC form.
    pub password_hash: String,
}

/// A user to create for an identity at an external issuer.
#[derive(Clone, Debug)]
pub(crate) struct ExternalUser {
    /// `iss` of the token.
    pub(crate) issuer: String,
    /// `sub` of the token.
    pub(crate) subject: String,
    /// As the token says, if it does.
    pub(crate) email: Option<Email>,
    /// As the token says, if it does.
    pub(crate) display_name: Option<DisplayName>,
    /// From the token's metadata.
    pub(crate) role: Role,
}

/// A user with the ids of their profiles.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The user.
    pub(crate) user: User,
    /// The provider profile, if any.
    pub(crate) provider: Option<ProviderId>,
    /// The consumer profile, if any.
    pub(crate) consumer: Option<ConsumerId>,
}

impl Resource for User {
    const KIND: Kind = Kind::User;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if self.id == scope.user() { Standing::Owner } else { Standing::Stranger }
    }
}

/// Code of a conflict: what was asked for would bind a suspended user.
pub(super) const SUSPENDED: &str = "party_suspended";

/// The right to end one's own logins.
pub(super) const LOG_OUT_EVERYWHERE: Right = Right::change(Kind::User, "log out everywhere", Need::Owner);
/// The right to read any user's account.
pub(super) const SEE: Right = Right::look(Kind::User, "see", Need::Admin);
/// The right to end any user's logins.
pub(super) const LOG_OUT: Right = Right::change(Kind::User, "log out", Need::Admin);
/// The right to suspend a user.
pub(super) const SUSPEND: Right = Right::change(Kind::User, "suspend", Need::Admin);
/// The right to reinstate a suspended user.
pub(super) const REINSTATE: Right = Right::change(Kind::User, "reinstate", Need::Admin);
/// The right to change a user's role.
pub(super) const CHANGE_ROLE: Right = Right::change(Kind::User, "change the role of", Need::Admin);

/// The right to change a user's plan.
pub(super) const CHANGE_PLAN: Right = Right::change(Kind::User, "change the plan of", Need::Admin);
/// The right to see the marketplace as a user does. Begun by a change: who acts as somebody else may not begin one.
pub(super) const VIEW_AS: Right = Right::change(Kind::User, "view as", Need::Admin);

impl Rights for User {
    const RIGHTS: &'static [Right] =
        &[LOG_OUT_EVERYWHERE, SEE, LOG_OUT, SUSPEND, REINSTATE, CHANGE_ROLE, CHANGE_PLAN, VIEW_AS];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_others_are_refused() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        assert_eq!("root".parse::<Role>().unwrap_err(), "must be one of consumer, provider, admin");
    }
}
