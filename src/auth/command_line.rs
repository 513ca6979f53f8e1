//! The command line as a caller: whoever may run commands on the server's data needs no token.

use crate::clock::{Clock, Timestamp};
use crate::domain::policy::{Scope, ScopeParts};
use crate::domain::users::{Plan, Role};
use crate::ids::{CallId, TokenId, UserId};

use super::NewPassword;
use super::password::Passwords;

/// The scope of a command: an admin to the policy, and in the audit trail nobody, by the command line.
///
/// For commands of this process alone; nothing that comes over the network leads here.
pub fn command_line(clock: &Clock) -> Scope {
    let now = clock.now();
    let parts = ScopeParts {
        // Nobody's: no row has it.
        user: UserId::new(now),
        role: Role::Admin,
        plan: Plan::Free,
        email: "command line".to_owned(),
        token: TokenId("command line".to_owned()),
        issuer: None,
        login: None,
        outside_session: None,
        expires_at: now,
        impersonator: None,
        is_synthetic: false,
        token_epoch: Timestamp::EPOCH,
        is_command_line: true,
    };
    Scope::new(parts, CallId::new(now))
}

/// The password was not hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub struct HashFailed(String);

/// What is kept of a password, for a command that adds one user and opens no [`super::Auth`].
pub async fn hash_password(password: NewPassword) -> Result<String, HashFailed> {
    Passwords::new(1, 1).hash(password).await.map_err(|error| HashFailed(error.to_string()))
}
