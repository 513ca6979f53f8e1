//! The phases of a connection, and their deadlines.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

/// How long a client may keep the server waiting.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// To complete a request head, from its first byte; for the first head, from the start of the connection.
    pub(crate) head: Duration,
    /// To complete a request body, from the end of its head.
    pub(crate) body: Duration,
    /// Until the next request begins.
    pub(crate) idle: Duration,
    /// Until the client reads any more of a response.
    pub(crate) write: Duration,
}

/// How long a client may take to read the last response before its connection is closed.
pub(super) const LINGER: Duration = Duration::from_secs(5);

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// For a request head, or the rest of one.
    Head { until: Instant },
    /// For the handler. Unbounded, unless the handler reads the body, which then has its own timer.
    Request { body_until: Instant, is_read: bool },
    /// For the complete response to be written to the socket.
    Answered { body_until: Instant, is_read: bool },
    /// For the unread rest of the request's body, which is discarded.
    Unread { until: Instant },
    /// For the next request.
    Idle { until: Instant },
    /// A live session, which has its own timeouts.
    Session,
}

/// The state of one connection. Time is a parameter.
#[derive(Debug)]
pub(super) struct Progress {
    /// Shared by all connections of a worker thread.
    timeouts: Rc<Timeouts>,
    phase: Cell<Phase>,
    /// Deadline by which the client must read more of the response.
    write_until: Cell<Option<Instant>>,
}

impl Progress {
    pub(super) fn new(timeouts: Rc<Timeouts>, now: Instant) -> Self {
        // actix-web answers a late first head with 408 before it closes.
        let until = now + timeouts.head + LINGER;
        Self { timeouts, phase: Cell::new(Phase::Head { until }), write_until: Cell::new(None) }
    }

    /// When the connection is closed unless something happens before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let waiting = match self.phase.get() {
            Phase::Session => return None,
            Phase::Head { until } | Phase::Unread { until } | Phase::Idle { until } => Some(until),
            Phase::Request { .. } | Phase::Answered { .. } => None,
        };
        [waiting, self.write_until.get()].into_iter().flatten().min()
    }

    /// Bytes were received.
    pub(super) fn received(&self, now: impl FnOnce() -> Instant) {
        if matches!(self.phase.get(), Phase::Idle { .. }) {
            self.phase.set(Phase::Head { until: now() + self.timeouts.head });
        }
    }

    /// Whether a request head is being received: what actix-web writes meanwhile is its refusal of that head.
    pub(super) fn is_receiving_head(&self) -> bool {
        matches!(self.phase.get(), Phase::Head { .. })
    }

    /// A head is complete; returns the deadline of its body.
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

    /// The whole response has been produced, or the live session has ended.
    pub(super) fn answer_ended(&self, now: Instant) {
        let (body_until, is_read) = match self.phase.get() {
            Phase::Request { body_until, is_read } => (body_until, is_read),
            _ => (now, false),
        };
        self.phase.set(Phase::Answered { body_until, is_read });
    }

    /// All buffered output has been written; returns whether that completes a response.
    pub(super) fn flushed(&self, now: impl FnOnce() -> Instant) -> bool {
        let Phase::Answered { body_until, is_read } = self.phase.get() else { return false };
        let now = now();
        self.phase.set(if is_read {
            Phase::Idle { until: now + self.timeouts.idle }
        } else {
            // Even if the body's time is over: the client may still read the response.
            Phase::Unread { until: body_until.max(now + LINGER) }
        });
        true
    }

    /// The client read some of the output.
    pub(super) fn written(&self) {
        self.write_until.set(None);
    }

    /// The client reads nothing at the moment.
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

    /// A connection, its start, and a function from seconds after that to an instant.
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
