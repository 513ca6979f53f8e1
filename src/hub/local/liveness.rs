//! Per session: when to ping, and when to evict a client that is silent or does not read. Called once per
//! tick; knows neither clock nor socket.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::hub::{HubConfig, Progress};
use crate::protocol::close::CloseReason;

/// Interval between two checks of every session.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// A session that still exists this many grace periods after its eviction, although its socket was shut down,
/// is removed from the hub.
const FORGET_AFTER: u32 = 3;

/// What was received from a client. Shared with the session's `RegistrationHandle`, which sets it.
pub(super) struct Activity {
    /// When something was last received, with the resolution of a tick.
    pub(super) seen: Cell<Instant>,
    /// How many messages were received: not pings and pongs.
    pub(super) messages: Cell<u64>,
}

pub(super) struct Liveness {
    activity: Rc<Activity>,
    /// Which tick of the heartbeat interval this session is pinged at, modulo the interval.
    spoke: u64,
    drained: u64,
    /// Since when nothing has been drained while the soft limit was exceeded.
    stalled_since: Option<Instant>,
    leaving: Option<Leaving>,
}

struct Leaving {
    since: Instant,
    abort: bool,
}

/// What must be done with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    Ping,
    Evict(CloseReason),
    /// It was asked to leave and did not: shut down its socket.
    Abort,
    /// It is still there after its socket was shut down: remove it from the hub.
    Forget,
}

impl Liveness {
    /// Consecutive values of `spoke` spread sessions evenly over the heartbeat interval, even if they
    /// connected at the same time.
    pub(super) fn new(now: Instant, spoke: u64) -> Self {
        let activity = Rc::new(Activity { seen: Cell::new(now), messages: Cell::new(0) });
        Self { activity, spoke, drained: 0, stalled_since: None, leaving: None }
    }

    pub(super) fn activity(&self) -> Rc<Activity> {
        self.activity.clone()
    }

    /// How many messages were received from the client.
    pub(super) fn messages(&self) -> u64 {
        self.activity.messages.get()
    }

    /// Time since anything was received from the client, with the resolution of a tick.
    pub(super) fn silent_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.activity.seen.get())
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    pub(super) fn leave(&mut self, now: Instant) {
        self.leaving.get_or_insert(Leaving { since: now, abort: false });
    }

    pub(super) fn check(
        &mut self,
        now: Instant,
        tick: u64,
        progress: Progress,
        config: &HubConfig,
    ) -> Verdict {
        if let Some(leaving) = &mut self.leaving {
            let waited = now.saturating_duration_since(leaving.since);
            if leaving.abort && waited >= config.eviction_grace * FORGET_AFTER {
                return Verdict::Forget;
            }
            if !leaving.abort && waited >= config.eviction_grace {
                leaving.abort = true;
                return Verdict::Abort;
            }
            return Verdict::Fine;
        }
        if progress.overflowed || self.is_stalled(now, progress, config) {
            return Verdict::Evict(CloseReason::SlowConsumer);
        }
        if now.saturating_duration_since(self.activity.seen.get()) >= config.heartbeat_timeout {
            return Verdict::Evict(CloseReason::Silent);
        }
        let spokes = (config.heartbeat_interval.as_secs() / TICK.as_secs()).max(1);
        if tick % spokes == self.spoke % spokes { Verdict::Ping } else { Verdict::Fine }
    }

    fn is_stalled(&mut self, now: Instant, progress: Progress, config: &HubConfig) -> bool {
        if progress.waiting <= config.outbox.soft || progress.drained != self.drained {
            self.drained = progress.drained;
            self.stalled_since = None;
        }
        if progress.waiting <= config.outbox.soft {
            return false;
        }
        let since = *self.stalled_since.get_or_insert(now);
        now.saturating_duration_since(since) >= config.slow_consumer_grace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Looks {
        liveness: Liveness,
        start: Instant,
        config: HubConfig,
    }

    impl Looks {
        fn new() -> Self {
            let start = Instant::now();
            Self { liveness: Liveness::new(start, 3), start, config: HubConfig::default() }
        }

        fn at(&mut self, second: u64, waiting: usize, drained: u64) -> Verdict {
            let now = self.start + Duration::from_secs(second);
            self.liveness.check(now, second, Progress { waiting, drained, overflowed: false }, &self.config)
        }
    }

    const MUCH: usize = 300 * 1024;

    #[test]
    fn a_session_is_pinged_once_each_interval() {
        let mut looks = Looks::new();
        let pings: Vec<u64> = (0..60).filter(|second| looks.at(*second, 0, 0) == Verdict::Ping).collect();
        assert_eq!(pings, [3, 28, 53]);
    }

    #[test]
    fn silence_ends_a_session_and_any_sign_of_life_puts_it_off() {
        let mut looks = Looks::new();
        assert_ne!(looks.at(59, 0, 0), Verdict::Evict(CloseReason::Silent));
        looks.liveness.activity().seen.set(looks.start + Duration::from_secs(30));
        assert_ne!(looks.at(89, 0, 0), Verdict::Evict(CloseReason::Silent));
        assert_eq!(looks.at(90, 0, 0), Verdict::Evict(CloseReason::Silent));
    }

    #[test]
    fn a_client_that_takes_nothing_for_the_grace_period_is_slow() {
        let mut looks = Looks::new();
        assert_eq!(looks.at(10, MUCH, 7), Verdict::Fine);
        assert_eq!(looks.at(14, MUCH, 7), Verdict::Fine);
        assert_eq!(looks.at(15, MUCH, 7), Verdict::Evict(CloseReason::SlowConsumer));
    }

    #[test]
    fn a_client_that_still_takes_something_is_not_slow() {
        let mut looks = Looks::new();
        for second in 10..27 {
            assert_eq!(looks.at(second, MUCH, second), Verdict::Fine);
        }
        assert_eq!(looks.at(27, 100, 26), Verdict::Fine, "below the soft limit the time starts anew");
        assert_eq!(looks.at(29, MUCH, 26), Verdict::Fine);
    }

    #[test]
    fn an_overflow_needs_no_grace() {
        let mut looks = Looks::new();
        let progress = Progress { waiting: 10, drained: 0, overflowed: true };
        let verdict = looks.liveness.check(looks.start, 0, progress, &looks.config);
        assert_eq!(verdict, Verdict::Evict(CloseReason::SlowConsumer));
    }

    #[test]
    fn who_does_not_leave_is_cut_and_then_forgotten() {
        let mut looks = Looks::new();
        looks.liveness.leave(looks.start + Duration::from_secs(1));
        assert_eq!(looks.at(5, 0, 0), Verdict::Fine);
        assert_eq!(looks.at(6, 0, 0), Verdict::Abort);
        assert_eq!(looks.at(7, 0, 0), Verdict::Fine, "once is enough");
        assert_eq!(looks.at(16, 0, 0), Verdict::Forget);
    }
}
