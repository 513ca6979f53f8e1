//! Users: whoever can be authenticated, and the logins by which they are.
//!
//! How a password, a token or an outside issuer proves who somebody is, is `auth`'s matter; here is what is kept of it.

mod email;
pub mod logins;
pub mod repository;
mod role;
pub mod service;

pub use email::{Email, InvalidEmail};
pub use role::{Plan, Role};

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::SingleLine;
use crate::ids::{ConsumerId, ProviderId, UserId};

/// Why something is done to a user.
pub type Reason = SingleLine<500>;

/// A name as others see it.
pub type DisplayName = SingleLine<80>;

/// A user's row, without what proves who they are.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Case-folded.
    pub email: String,
    /// The outside issuer that vouches for them.
    pub issuer: Option<String>,
    /// Their `sub` at that issuer.
    pub clerk_id: Option<String>,
    /// As shown to others.
    pub display_name: String,
    /// Which side they are on.
    pub role: Role,
    /// What they have paid for.
    pub plan: Plan,
    /// A suspended user is refused everywhere.
    pub is_active: bool,
    /// Tokens issued before this moment are invalid.
    pub token_epoch: Timestamp,
    /// Incremented by each change; compared with `If-Match`.
    pub version: i64,
    /// When they came.
    pub created_at: Timestamp,
    /// Of the last change.
    pub updated_at: Timestamp,
}

/// Somebody new, with a password.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Case-folded.
    pub email: Email,
    /// As shown to others.
    pub display_name: DisplayName,
    /// What they are here for.
    pub role: Role,
    /// What they have paid for.
    pub plan: Plan,
    /// Argon2id in PHC form.
    pub password_hash: String,
}

/// Somebody new, for whom an outside issuer vouches.
#[derive(Clone, Debug)]
pub struct ExternalUser {
    /// `iss`
    pub issuer: String,
    /// `sub`
    pub subject: String,
    /// As the issuer has it, if it has one.
    pub email: Option<Email>,
    /// As the issuer has it, if it has one.
    pub display_name: Option<DisplayName>,
    /// As the issuer's metadata has it.
    pub role: Role,
}

/// A user with the profiles that are theirs.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user.
    pub user: User,
    /// Their shop.
    pub provider: Option<ProviderId>,
    /// Their buying side.
    pub consumer: Option<ConsumerId>,
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

/// To end one's own logins.
pub(super) const LOG_OUT_EVERYWHERE: Right = Right::change(Kind::User, "log out everywhere", Need::Owner);
/// To look at somebody's account.
pub(super) const SEE: Right = Right::look(Kind::User, "see", Need::Admin);
/// To end somebody's logins.
pub(super) const LOG_OUT: Right = Right::change(Kind::User, "log out", Need::Admin);
/// To keep somebody out.
pub(super) const SUSPEND: Right = Right::change(Kind::User, "suspend", Need::Admin);
/// To let them in again.
pub(super) const REINSTATE: Right = Right::change(Kind::User, "reinstate", Need::Admin);
/// To move them to another side.
pub(super) const CHANGE_ROLE: Right = Right::change(Kind::User, "change the role of", Need::Admin);

/// To give them other limits.
pub(super) const CHANGE_PLAN: Right = Right::change(Kind::User, "change the plan of", Need::Admin);

impl Rights for User {
    const RIGHTS: &'static [Right] =
        &[LOG_OUT_EVERYWHERE, SEE, LOG_OUT, SUSPEND, REINSTATE, CHANGE_ROLE, CHANGE_PLAN];
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
