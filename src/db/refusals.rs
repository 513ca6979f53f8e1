//! Bounds the audit rows that one user's refusals make: who keeps trying what is not theirs must not fill the disk.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::ids::UserId;
use crate::limits::{Quota, RateLimiter};

use super::audit_log::{NewAudit, Outcome};

/// Refusals of one user that are audited: as many at once, and as many an hour. A person never comes near it.
const AUDITED: Quota = Quota::new(600, Duration::from_secs(3600));

/// Users of whom it is counted how many refusals were left out.
const COUNTED: usize = 10_000;

/// Decides which refusals are audited. The first one after a pause says how many were left out before it.
///
/// Rows of admins' accesses are never left out, and neither are refusals without a user, which `auth` bounds.
pub(super) struct RefusalThrottle {
    limiter: RateLimiter<UserId>,
    left_out: Mutex<HashMap<UserId, u64>>,
}

impl RefusalThrottle {
    pub(super) fn new(clock: Clock) -> Self {
        Self { limiter: RateLimiter::new(clock), left_out: Mutex::default() }
    }

    /// The rows that are to be written.
    pub(super) fn keep(&self, rows: Vec<NewAudit>) -> Vec<NewAudit> {
        rows.into_iter().filter_map(|row| self.decide(row)).collect()
    }

    fn decide(&self, row: NewAudit) -> Option<NewAudit> {
        let Some(user) = row.actor.filter(|_| row.outcome == Outcome::Refused) else { return Some(row) };
        let is_kept = self.limiter.take(user, AUDITED).is_ok();
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        if is_kept {
            let before =
                left_out.remove(&user).map(|count| format!("{count} refusals before this one were left out"));
            return Some(NewAudit { detail: before.or(row.detail), ..row });
        }
        match left_out.get_mut(&user) {
            Some(count) => *count += 1,
            None => {
                log::warn!(user_id:% = user; "a user is refused so often that the audit trail leaves refusals out");
                if left_out.len() < COUNTED {
                    left_out.insert(user, 1);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn row(outcome: Outcome, actor: Option<UserId>) -> NewAudit {
        let (action, kind) = ("read", "entry");
        NewAudit { actor, impersonator: None, outcome, action, kind, row_id: None, detail: None, call: None }
    }

    #[test]
    fn one_users_refusals_are_bounded_and_what_was_left_out_is_counted() {
        let at = Timestamp::from_seconds(1_700_000_000).unwrap();
        let clock = Clock::manual(at);
        let throttle = RefusalThrottle::new(clock.clone());
        let (eve, ana) = (Some(UserId::new(at)), Some(UserId::new(at)));
        let kept = (0..1_000).filter(|_| !throttle.keep(vec![row(Outcome::Refused, eve)]).is_empty()).count();
        assert_eq!(kept, 600);
        assert_eq!(throttle.keep(vec![row(Outcome::Refused, ana)]).len(), 1, "nobody else's");
        let others = vec![row(Outcome::Admin, eve), row(Outcome::Done, eve), row(Outcome::Refused, None)];
        assert_eq!(throttle.keep(others).len(), 3);
        clock.advance(Duration::from_secs(7));
        let next = throttle.keep(vec![row(Outcome::Refused, eve)]);
        assert_eq!(next[0].detail.as_deref(), Some("400 refusals before this one were left out"));
        clock.advance(Duration::from_secs(7));
        assert_eq!(throttle.keep(vec![row(Outcome::Refused, eve)])[0].detail, None);
    }
}
