//! The sessions that ended lately, and why: kept in memory, for the admin API.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::{Page, Slice};
use crate::ids::{ConnectionId, LoginId, Room, Seq, UserId};
use crate::protocol::Dialect;
use crate::protocol::close::{CloseReason, Endpoint};

/// How many are kept at most.
const KEPT: usize = 10_000;

/// How long one is kept.
const KEPT_FOR: Duration = Duration::from_secs(3_600);

/// Rooms whose position is kept of one session.
pub(super) const ROOMS: usize = 16;

/// A session that has ended.
#[derive(Clone, Debug)]
pub(crate) struct EndedSession {
    /// The connection's id.
    pub(crate) connection: ConnectionId,
    /// The user whose token it presented.
    pub(crate) user: UserId,
    /// The login that its token was issued for; `None` for a token of another issuer.
    pub(crate) login: Option<LoginId>,
    /// The endpoint that it was connected to.
    pub(crate) endpoint: Endpoint,
    /// The dialect that it spoke.
    pub(crate) dialect: Dialect,
    /// The client's network address.
    pub(crate) address: IpAddr,
    /// When it was connected.
    pub(crate) since: Timestamp,
    /// When it ended.
    pub(crate) ended_at: Timestamp,
    /// Why the server closed it; `None` if the client ended it.
    pub(crate) reason: Option<CloseReason>,
    /// Messages received from the client: not pings and pongs.
    pub(crate) messages: u64,
    /// What it had not been sent.
    pub(crate) left: Left,
}

/// What a session leaves behind at its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Left {
    /// Bytes that waited for the client.
    pub(crate) waiting: usize,
    /// Some of its rooms, at most sixteen, and the last position of each that was put into its outbox.
    pub(crate) positions: Vec<(Room, Seq)>,
    /// How many rooms it was in.
    pub(crate) rooms: usize,
}

/// Which of them to list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EndedFilter {
    /// Only those of this user.
    pub(crate) user: Option<UserId>,
    /// Only this one.
    pub(crate) connection: Option<ConnectionId>,
    /// Only those that ended for this reason; the inner `None` is the client's own.
    pub(crate) reason: Option<Option<CloseReason>>,
}

impl EndedFilter {
    fn has(&self, session: &EndedSession) -> bool {
        self.user.is_none_or(|user| session.user == user)
            && self.connection.is_none_or(|connection| session.connection == connection)
            && self.reason.is_none_or(|reason| session.reason == reason)
    }
}

/// A session's number in the order in which they ended, and the session.
pub(crate) type Numbered = (u64, Arc<EndedSession>);

/// The sessions that ended within the last hour, at most ten thousand.
#[derive(Default)]
pub(super) struct EndedSessions(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    last: u64,
    /// Oldest first.
    sessions: VecDeque<Numbered>,
}

impl EndedSessions {
    pub(super) fn add(&self, session: EndedSession) {
        let mut kept = self.lock();
        kept.forget_before(session.ended_at.minus(KEPT_FOR));
        if kept.sessions.len() >= KEPT {
            kept.sessions.pop_front();
        }
        kept.last += 1;
        let number = kept.last;
        kept.sessions.push_back((number, Arc::new(session)));
    }

    /// A page of them, the last that ended first.
    pub(super) fn list(
        &self,
        filter: &EndedFilter,
        page: &Page<u64>,
        now: Timestamp,
    ) -> Slice<Numbered, u64> {
        let mut kept = self.lock();
        kept.forget_before(now.minus(KEPT_FOR));
        let is_listed = |(number, session): &&Numbered| {
            page.before.is_none_or(|before| *number < before) && filter.has(session)
        };
        let found = kept.sessions.iter().rev().filter(is_listed).take(usize::from(page.limit) + 1);
        page.slice(found.cloned().collect(), |(number, _)| *number)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // A panic cannot leave it half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget_before(&mut self, time: Timestamp) {
        while self.sessions.front().is_some_and(|(_, session)| session.ended_at < time) {
            self.sessions.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::hub::tests::support::user;

    fn ended(number: usize, at: Timestamp, reason: Option<CloseReason>) -> EndedSession {
        EndedSession {
            connection: ConnectionId::new(at),
            user: user(number),
            login: None,
            endpoint: Endpoint::Ws,
            dialect: Dialect::Json,
            address: IpAddr::from([127, 0, 0, 1]),
            since: at,
            ended_at: at,
            reason,
            messages: 0,
            left: Left::default(),
        }
    }

    fn numbers(slice: &Slice<Numbered, u64>) -> Vec<u64> {
        slice.items.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn the_last_that_ended_come_first_by_pages_and_by_what_is_asked_for() {
        let (all, now) = (EndedSessions::default(), Clock::system().now());
        for number in 1..=4 {
            all.add(ended(number, now, (number > 2).then_some(CloseReason::Silent)));
        }
        let everything = EndedFilter::default();
        let first = all.list(&everything, &Page { before: None, limit: 3 }, now);
        assert_eq!((numbers(&first), first.next), (vec![4, 3, 2], Some(2)));
        let second = all.list(&everything, &Page { before: first.next, limit: 3 }, now);
        assert_eq!((numbers(&second), second.next), (vec![1], None));
        let page = Page { before: None, limit: 10 };
        let by_reason = |reason| all.list(&EndedFilter { reason: Some(reason), ..everything }, &page, now);
        assert_eq!(numbers(&by_reason(Some(CloseReason::Silent))), [4, 3]);
        assert_eq!(numbers(&by_reason(None)), [2, 1]);
        assert_eq!(numbers(&all.list(&EndedFilter { user: Some(user(3)), ..everything }, &page, now)), [3]);
    }

    #[test]
    fn they_are_kept_for_an_hour_and_ten_thousand_of_them() {
        let (all, now) = (EndedSessions::default(), Clock::system().now());
        (0..KEPT + 2).for_each(|_| all.add(ended(1, now, None)));
        let page = Page { before: Some(4), limit: 10 };
        assert_eq!(numbers(&all.list(&EndedFilter::default(), &page, now)), [3], "1 and 2 are gone");
        let later = now.plus(KEPT_FOR + Duration::from_secs(1));
        all.add(ended(1, later, None));
        let left = all.list(&EndedFilter::default(), &Page { before: None, limit: 10 }, later);
        assert_eq!(numbers(&left), [KEPT as u64 + 3]);
    }
}
