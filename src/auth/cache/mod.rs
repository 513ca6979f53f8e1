//! Tokens that were checked a moment ago: who shows one again is known without asking the database.
//!
//! Only good tokens are kept, under the SHA-256 of their text, which fixes everything that the token says. One that
//! is kept is good until a right that it depends on ends, its user changes, or its time is over; see
//! [`Invalidations`].

mod invalidations;
#[cfg(test)]
mod tests;

pub(crate) use invalidations::{FOLLOWED_WITHIN, Invalidations};

use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::{Instant, timeout};

use crate::clock::Timestamp;
use crate::domain::policy::Scope;
use crate::ids::CallId;
use crate::limits::TokenDigest;

use super::metrics::{CacheMetrics, Lookup};
use invalidations::{Dependencies, Moment};

/// How long a checked token is kept: a bound on what is missed by changes that Souk does not make, such as those of
/// an operator at the database's own prompt.
const KEPT: Duration = Duration::from_secs(30);

/// How long a call waits for another one that checks the same token, before it checks the token itself.
const WAITED_FOR: Duration = Duration::from_secs(1);

/// The tokens that were checked a moment ago; a bounded number of them.
pub(super) struct TokenCache {
    checked: Option<Cache<TokenDigest, Checked>>,
    invalidations: Invalidations,
    metrics: CacheMetrics,
}

#[derive(Clone)]
struct Checked {
    scope: Scope,
    depends_on: Dependencies,
    /// Taken before the database was asked.
    since: Moment,
    at: Instant,
    /// The same by the clock that tokens are judged by: keys and skews are trusted for a time, too.
    time: Timestamp,
}

impl TokenCache {
    /// A cache of at most `size` tokens; with none, every call asks the database.
    pub(super) fn new(size: usize, invalidations: Invalidations, metrics: CacheMetrics) -> Self {
        Self { checked: (size > 0).then(|| Cache::new(size)), invalidations, metrics }
    }

    /// As it was, following these invalidations.
    pub(super) fn following(self, invalidations: Invalidations) -> Self {
        Self { invalidations, ..self }
    }

    /// The scope of a token that was checked a moment ago, for this call; `None` if it must be checked.
    pub(super) fn get(&self, token: &TokenDigest, now: Timestamp, call: CallId) -> Option<Scope> {
        let checked = self.checked.as_ref()?.get(token);
        let good = checked.as_ref().filter(|checked| self.is_good(checked, now));
        self.metrics.count(match (&good, &checked) {
            (Some(_), _) => Lookup::Hit,
            (None, Some(_)) => Lookup::Stale,
            (None, None) => Lookup::Miss,
        });
        good.map(|checked| checked.scope.in_call(call))
    }

    /// The result of `check`, which asks the database; or, if another call is at it already, that one's.
    pub(super) async fn check<E>(
        &self,
        token: &TokenDigest,
        now: Timestamp,
        call: CallId,
        check: impl Future<Output = Result<Scope, E>>,
    ) -> Result<Scope, E> {
        let Some(cache) = self.checked.as_ref().filter(|_| self.invalidations.are_followed()) else {
            return check.await;
        };
        cache.remove_if(token, |checked| !self.is_good(checked, now));
        match timeout(WAITED_FOR, cache.get_value_or_guard_async(token)).await {
            Ok(Ok(checked)) if self.is_good(&checked, now) => Ok(checked.scope.in_call(call)),
            Ok(Err(turn)) => {
                let (since, at) = (self.invalidations.moment(), Instant::now());
                let scope = check.await?;
                let depends_on = self.invalidations.dependencies(&scope);
                // Refused only if the cache has no room for it.
                let _ = turn.insert(Checked { scope: scope.clone(), depends_on, since, at, time: now });
                Ok(scope)
            }
            // A right ended while the other call was at it, or that call takes long.
            Ok(Ok(_)) | Err(_) => check.await,
        }
    }

    /// Strict about the token's time: whether a clock's skew is tolerated is for who verifies the token.
    fn is_good(&self, checked: &Checked, now: Timestamp) -> bool {
        checked.scope.expires_at() > now
            && checked.at.elapsed() < KEPT
            && now < checked.time.plus(KEPT)
            && self.invalidations.are_followed()
            && self.invalidations.is_current(&checked.depends_on, checked.since)
    }
}
