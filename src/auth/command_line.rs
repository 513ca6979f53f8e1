//! The command line as a caller: commands that run on the server's data need no token.

use crate::clock::{Clock, Timestamp};
use crate::domain::policy::{Scope, ScopeParts};
use crate::domain::users::{Plan, Role};
use crate::ids::{CallId, TokenId, UserId};

use super::NewPassword;
use super::password::Passwords;

/// The scope of a command: an admin to the policy; in the audit trail it has no actor and is marked as the
/// command line.
///
/// Only for commands of this process: nothing that comes over the network may lead here.
pub(crate) fn command_line(clock: &Clock) -> Scope {
    let now = clock.now();
    let parts = ScopeParts {
        // A fresh id that no row has.
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

/// Hashing the password failed.
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub(crate) struct HashFailed(String);

/// Hashes a password for a command that adds one user and opens no [`super::Auth`].
pub(crate) async fn hash_password(password: NewPassword) -> Result<String, HashFailed> {
    Passwords::new(1, 1).hash(password).await.map_err(|error| HashFailed(error.to_string()))
}
