//! Authentication for load tests: the load-test secret admits synthetic users, of whom nothing is stored.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::clock::Timestamp;
use crate::domain::policy::{Scope, ScopeParts};
use crate::domain::users::{Plan, Role};
use crate::ids::{CallId, TokenId, UserId};
use crate::secret::Secret;

use super::{Auth, AuthError, TokenRefusal};

/// Lifetime of a synthetic user's scope: no load test is longer.
const STAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The load-test secret, and how many users it has admitted.
pub(super) struct LoadTests {
    /// Hashed, so that the comparison takes the same time for any input.
    secret: [u8; 32],
    made: AtomicU64,
}

impl LoadTests {
    pub(super) fn new(secret: &Secret<String>) -> Self {
        Self { secret: hash(secret.expose()), made: AtomicU64::new(0) }
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

impl Auth {
    /// Whether a load-test secret is configured; otherwise a presented secret counts as no credentials.
    pub(crate) fn admits_load_tests(&self) -> bool {
        self.load_tests.is_some()
    }

    /// A new synthetic user, `loadtest:N`, for a presented load-test secret.
    ///
    /// # Errors
    /// `Missing` where no secret is configured, `Invalid` for a wrong one.
    pub(crate) fn admit_load_test(&self, shown: &str, call: CallId) -> Result<Scope, AuthError> {
        let tests = self.load_tests.as_ref().ok_or(AuthError::Missing)?;
        if !bool::from(tests.secret.ct_eq(&hash(shown))) {
            self.metrics.refused("load_test_secret");
            log::info!(request_id:% = call; "refused a load-test secret");
            return Err(AuthError::Invalid(TokenRefusal::Signature));
        }
        let name = format!("loadtest:{}", tests.made.fetch_add(1, Ordering::Relaxed) + 1);
        let now = self.clock.now();
        let parts = ScopeParts {
            user: UserId::new(now),
            role: Role::Consumer,
            // Limits, not rights: a load test measures the server's limits, not a plan's.
            plan: Plan::Enterprise,
            email: name.clone(),
            token: TokenId(name),
            issuer: None,
            login: None,
            outside_session: None,
            expires_at: now.plus(STAY),
            impersonator: None,
            is_synthetic: true,
            token_epoch: Timestamp::EPOCH,
            is_command_line: false,
        };
        Ok(Scope::new(parts, call))
    }
}
