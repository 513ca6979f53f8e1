//! Per session: when to ping, and when to evict a client that is silent or does not read. Knows neither clock nor
//! socket.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::hub::{HubConfig, Progress};

use super::timer_wheel::Slot;

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
    ping_at: Instant,
    stalled: Option<Stalled>,
    leaving: Option<Leaving>,
    /// Its entry in the timer wheel that counts.
    pub(super) due: Slot,
}

/// More than the soft limit waits.
#[derive(Clone, Copy)]
struct Stalled {
    /// Since when nothing has been drained.
    since: Instant,
    /// What had been drained by then.
    drained: u64,
}

struct Leaving {
    since: Instant,
    abort: bool,
}

/// What must be done with a session that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    Ping,
    /// Nothing was received from it for too long.
    Silent,
    /// It was asked to leave and did not: shut down its socket.
    Abort,
    /// It is still there after its socket was shut down: remove it from the hub.
    Forget,
}

impl Liveness {
    pub(super) fn new(now: Instant, ping_at: Instant) -> Self {
        let activity = Rc::new(Activity { seen: Cell::new(now), messages: Cell::new(0) });
        Self { activity, ping_at, stalled: None, leaving: None, due: 0 }
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

    /// Does not count so much of the time until now, in which nothing could be read or written.
    pub(super) fn excuse(&mut self, paused: Duration) {
        self.activity.seen.set(self.activity.seen.get() + paused);
        if let Some(stalled) = &mut self.stalled {
            stalled.since += paused;
        }
        if let Some(leaving) = &mut self.leaving {
            leaving.since += paused;
        }
    }

    /// When the session is due: nothing is to be done with it before that, unless it leaves or falls behind.
    pub(super) fn due_at(&self, config: &HubConfig) -> Instant {
        match &self.leaving {
            Some(Leaving { since, abort: false }) => *since + config.eviction_grace,
            Some(Leaving { since, abort: true }) => *since + config.eviction_grace * FORGET_AFTER,
            None => self.ping_at.min(self.activity.seen.get() + config.heartbeat_timeout),
        }
    }

    pub(super) fn check(&mut self, now: Instant, config: &HubConfig) -> Verdict {
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
        if self.silent_for(now) >= config.heartbeat_timeout {
            return Verdict::Silent;
        }
        if now < self.ping_at {
            return Verdict::Fine;
        }
        let next = self.ping_at + config.heartbeat_interval;
        self.ping_at = if next > now { next } else { now + config.heartbeat_interval };
        Verdict::Ping
    }

    /// Whether the client is too slow and must be evicted. Looked at once per tick while anybody's client is behind.
    pub(super) fn is_slow(&mut self, now: Instant, progress: Progress, config: &HubConfig) -> bool {
        if self.is_leaving() {
            return false;
        }
        if progress.overflowed {
            return true;
        }
        if progress.waiting <= config.outbox.soft {
            self.stalled = None;
            return false;
        }
        let stalled = self.stalled.filter(|stalled| stalled.drained == progress.drained);
        let stalled =
            *self.stalled.insert(stalled.unwrap_or(Stalled { since: now, drained: progress.drained }));
        now.saturating_duration_since(stalled.since) >= config.slow_consumer_grace
    }

    /// Whether [`Self::is_slow`] measures how long the client has drained nothing.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.is_some()
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
            let liveness = Liveness::new(start, start + Duration::from_secs(3));
            Self { liveness, start, config: HubConfig::default() }
        }

        fn at(&mut self, second: u64) -> Verdict {
            self.liveness.check(self.start + Duration::from_secs(second), &self.config)
        }

        fn is_slow_at(&mut self, second: u64, waiting: usize, drained: u64) -> bool {
            let now = self.start + Duration::from_secs(second);
            self.liveness.is_slow(now, Progress { waiting, drained, overflowed: false }, &self.config)
        }

        /// The second at which it is due.
        fn due(&self) -> u64 {
            (self.liveness.due_at(&self.config) - self.start).as_secs()
        }
    }

    const MUCH: usize = 300 * 1024;

    #[test]
    fn a_session_is_pinged_once_each_interval() {
        let mut looks = Looks::new();
        let pings: Vec<u64> = (0..60).filter(|second| looks.at(*second) == Verdict::Ping).collect();
        assert_eq!(pings, [3, 28, 53]);
    }

    #[test]
    fn a_session_is_due_when_something_is_to_be_done_and_not_before() {
        let mut looks = Looks::new();
        let mut done = Vec::new();
        for _ in 0..5 {
            let due = looks.due();
            let verdict = looks.at(due);
            done.push((due, verdict));
            if verdict == Verdict::Silent {
                looks.liveness.leave(looks.start + Duration::from_secs(due));
            }
        }
        assert_eq!(
            done,
            [
                (3, Verdict::Ping),
                (28, Verdict::Ping),
                (53, Verdict::Ping),
                (60, Verdict::Silent),
                (65, Verdict::Abort)
            ]
        );
        assert_eq!((looks.due(), looks.at(75)), (75, Verdict::Forget));
    }

    #[test]
    fn a_late_look_pings_once_and_not_for_each_interval_that_was_missed() {
        let mut looks = Looks::new();
        looks.liveness.activity().seen.set(looks.start + Duration::from_secs(100));
        assert_eq!((looks.at(100), looks.at(101), looks.due()), (Verdict::Ping, Verdict::Fine, 125));
    }

    #[test]
    fn silence_ends_a_session_and_any_sign_of_life_puts_it_off() {
        let mut looks = Looks::new();
        assert_ne!(looks.at(59), Verdict::Silent);
        looks.liveness.activity().seen.set(looks.start + Duration::from_secs(30));
        assert_ne!(looks.at(89), Verdict::Silent);
        assert_eq!(looks.at(90), Verdict::Silent);
    }

    #[test]
    fn a_client_that_takes_nothing_for_the_grace_period_is_slow() {
        let mut looks = Looks::new();
        assert!(!looks.is_slow_at(10, MUCH, 7));
        assert!(!looks.is_slow_at(14, MUCH, 7));
        assert!(looks.is_slow_at(15, MUCH, 7));
    }

    #[test]
    fn a_client_that_still_takes_something_is_not_slow() {
        let mut looks = Looks::new();
        for second in 10..27 {
            assert!(!looks.is_slow_at(second, MUCH, second));
        }
        assert!(looks.liveness.is_stalled());
        assert!(!looks.is_slow_at(27, 100, 26));
        assert!(!looks.liveness.is_stalled(), "below the soft limit the time starts anew");
        assert!(!looks.is_slow_at(29, MUCH, 26));
        assert!(!looks.is_slow_at(33, MUCH, 26));
        assert!(looks.is_slow_at(34, MUCH, 26));
    }

    #[test]
    fn an_overflow_needs_no_grace() {
        let mut looks = Looks::new();
        let progress = Progress { waiting: 10, drained: 0, overflowed: true };
        assert!(looks.liveness.is_slow(looks.start, progress, &looks.config));
        looks.liveness.leave(looks.start);
        assert!(!looks.liveness.is_slow(looks.start, progress, &looks.config), "it is leaving already");
    }

    #[test]
    fn who_does_not_leave_is_cut_and_then_forgotten() {
        let mut looks = Looks::new();
        looks.liveness.leave(looks.start + Duration::from_secs(1));
        assert_eq!(looks.at(5), Verdict::Fine);
        assert_eq!(looks.at(6), Verdict::Abort);
        assert_eq!(looks.at(7), Verdict::Fine, "once is enough");
        assert_eq!(looks.at(16), Verdict::Forget);
    }
}
