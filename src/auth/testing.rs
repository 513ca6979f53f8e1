//! Users and keys for unit tests.

#[allow(unreachable_pub, dead_code, reason = "the harness of the integration tests offers it, too")]
#[path = "../../tests/integration/support/keys.rs"]
mod keys;

pub(crate) use keys::TestKey;

use crate::clock::Timestamp;
use crate::domain::users::{Plan, Role, User};
use crate::ids::UserId;

/// A user who is in no database.
pub(crate) fn somebody(now: Timestamp) -> User {
    User {
        id: UserId::new(now),
        email: "ana@example.com".into(),
        issuer: None,
        clerk_id: None,
        display_name: "Ana".into(),
        role: Role::Consumer,
        plan: Plan::Free,
        is_active: true,
        token_epoch: Timestamp::EPOCH,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}
