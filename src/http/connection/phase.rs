//! What a connection waits for, and until when.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

/// How long a client may keep the server waiting.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a request's head to be complete, from its first byte; of the first one, from the connection's beginning.
    pub head: Duration,
    /// For a request's body to be complete, from its head.
    pub body: Duration,
    /// For the next request to begin.
    pub idle: Duration,
    /// For the client to take any more of an answer.
    pub write: Duration,
}

/// How long a connection that is to end may take to read what it was last told.
pub(super) const LINGER: Duration = Duration::from_secs(5);

/// What the server is doing with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waiting for a head, or for the rest of one.
    Head { until: Instant },
    /// A request is being handled. The server's own turn, unless its handler reads the body, which then has its own timer.
    Request { body_until: Instant, is_read: bool },
    /// The answer is complete, but not written to the socket yet.
    Answered { body_until: Instant, is_read: bool },
    /// Answered; what is left of the request's body is read and thrown away.
    Unread { until: Instant },
    /// Waiting for the next request.
    Idle { until: Instant },
    /// A live session, which watches its connection itself.
    Session,
}

/// Where one connection stands. Time is a parameter.
#[derive(Debug)]
pub(super) struct Progress {
    /// The same for all connections of a worker thread.
    timeouts: Rc<Timeouts>,
    phase: Cell<Phase>,
    /// Until when the client must take more of what is being written.
    write_until: Cell<Option<Instant>>,
}

impl Progress {
    pub(super) fn new(timeouts: Rc<Timeouts>, now: Instant) -> Self {
        // Of a first head that is late actix-web tells the client, and then closes.
        let until = now + timeouts.head + LINGER;
        Self { timeouts, phase: Cell::new(Phase::Head { until }), write_until: Cell::new(None) }
    }

    /// When the connection ends if nothing happens until then.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let waiting = match self.phase.get() {
            Phase::Session => return None,
            Phase::Head { until } | Phase::Unread { until } | Phase::Idle { until } => Some(until),
            Phase::Request { .. } | Phase::Answered { .. } => None,
        };
        [waiting, self.write_until.get()].into_iter().flatten().min()
    }

    /// Bytes came.
    pub(super) fn received(&self, now: impl FnOnce() -> Instant) {
        if matches!(self.phase.get(), Phase::Idle { .. }) {
            self.phase.set(Phase::Head { until: now() + self.timeouts.head });
        }
    }

    /// A head is complete; until when its body must be.
    pub(super) fn request_began(&self, now: Instant) -> Instant {
        let body_until = now + self.timeouts.body;
        self.phase.set(Phase::Request { body_until, is_read: false });
        body_until
    }

    /// The request has no body, or it has been read to its end.
    pub(super) fn body_ended(&self) {
        if let Phase::Request { body_until, .. } = self.phase.get() {
            self.phase.set(Phase::Request { body_until, is_read: true });
        }
    }

    /// The connection belongs to a live session from now on.
    pub(super) fn session_began(&self) {
        self.phase.set(Phase::Session);
    }

    pub(super) fn is_session(&self) -> bool {
        self.phase.get() == Phase::Session
    }

    /// All of the answer has been produced; where there was a session, it is over.
    pub(super) fn answer_ended(&self, now: Instant) {
        let (body_until, is_read) = match self.phase.get() {
            Phase::Request { body_until, is_read } => (body_until, is_read),
            _ => (now, false),
        };
        self.phase.set(Phase::Answered { body_until, is_read });
    }

    /// Everything that was produced has been written; whether that ends an answer.
    pub(super) fn flushed(&self, now: impl FnOnce() -> Instant) -> bool {
        let Phase::Answered { body_until, is_read } = self.phase.get() else { return false };
        let now = now();
        self.phase.set(if is_read {
            Phase::Idle { until: now + self.timeouts.idle }
        } else {
            // Also where the body's time is over: the client may still read that it is.
            Phase::Unread { until: body_until.max(now + LINGER) }
        });
        true
    }

    /// The client took some of what is being written.
    pub(super) fn written(&self) {
        self.write_until.set(None);
    }

    /// It takes nothing at the moment.
    pub(super) fn write_blocked(&self, now: impl FnOnce() -> Instant) {
        if self.write_until.get().is_none() {
            self.write_until.set(Some(now() + self.timeouts.write));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts = Timeouts { head: secs(10), body: secs(20), idle: secs(75), write: secs(30) };

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// A connection, when it began, and a way to say times after that.
    fn connection() -> (Progress, Instant, impl Fn(u64) -> Instant) {
        let began = Instant::now();
        (Progress::new(Rc::new(TIMEOUTS), began), began, move |after| began + secs(after))
    }

    #[test]
    fn each_head_has_its_time_from_its_first_byte() {
        let (progress, began, at) = connection();
        assert_eq!(progress.deadline(), Some(at(15)), "the web server's own answer comes before");
        progress.received(|| at(4));
        assert_eq!(progress.deadline(), Some(at(15)), "bytes gain nothing");
        progress.request_began(began);
        progress.body_ended();
        progress.answer_ended(at(1));
        assert!(progress.flushed(|| at(1)));
        assert_eq!(progress.deadline(), Some(at(76)));
        progress.received(|| at(50));
        assert_eq!(progress.deadline(), Some(at(60)));
        progress.received(|| at(59));
        assert_eq!(progress.deadline(), Some(at(60)));
    }

    #[test]
    fn the_servers_own_time_is_not_the_clients() {
        let (progress, began, at) = connection();
        progress.request_began(began);
        assert_eq!(progress.deadline(), None);
        progress.answer_ended(at(60));
        assert_eq!(progress.deadline(), None);
        assert!(progress.flushed(|| at(60)));
        assert!(!progress.flushed(|| at(61)), "once");
    }

    #[test]
    fn a_body_that_nobody_read_has_its_time_and_a_moment_to_hear_the_answer() {
        let (progress, began, at) = connection();
        progress.request_began(began);
        progress.answer_ended(at(1));
        progress.flushed(|| at(1));
        progress.received(|| at(10));
        assert_eq!(progress.deadline(), Some(at(20)));
        progress.request_began(at(12));
        progress.answer_ended(at(32));
        progress.flushed(|| at(32));
        assert_eq!(progress.deadline(), Some(at(37)));
    }

    #[test]
    fn who_takes_nothing_of_an_answer_has_its_time_and_each_bit_taken_renews_it() {
        let (progress, began, at) = connection();
        progress.request_began(began);
        progress.write_blocked(|| at(1));
        progress.write_blocked(|| at(20));
        assert_eq!(progress.deadline(), Some(at(31)));
        progress.written();
        assert_eq!(progress.deadline(), None);
        progress.write_blocked(|| at(30));
        assert_eq!(progress.deadline(), Some(at(60)));
    }

    #[test]
    fn a_session_has_no_bound_here_until_it_is_over() {
        let (progress, began, at) = connection();
        progress.request_began(began);
        progress.session_began();
        progress.write_blocked(|| at(1));
        progress.received(|| at(500));
        assert_eq!((progress.deadline(), progress.is_session()), (None, true));
        progress.written();
        progress.answer_ended(at(600));
        progress.flushed(|| at(600));
        assert_eq!(progress.deadline(), Some(at(605)));
    }
}
