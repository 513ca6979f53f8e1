//! Who was in which room when: the memberships that ended lately.
//!
//! Everything is told by positions of the room's log, as what members were sent is: clocks of several processes
//! and threads would not agree on who was there when an event was sent.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::hub::MembershipSpan;
use crate::ids::{Room, Seq};

/// How many memberships are kept at most.
const KEPT: usize = 10_000;

/// How long one is kept after its end.
const KEPT_FOR: Duration = Duration::from_secs(3_600);

/// The memberships that ended within the last hour, at most ten thousand, if any event was sent meanwhile.
#[derive(Default)]
pub(super) struct History {
    /// The one that ended first comes first.
    ended: VecDeque<Ended>,
    /// The rooms of these.
    rooms: HashMap<Room, Kept>,
}

struct Ended {
    room: Room,
    at: Instant,
    span: MembershipSpan,
}

/// What is kept of a room.
struct Kept {
    /// From this position on no membership has been forgotten.
    known_since: Seq,
    memberships: usize,
}

impl History {
    /// Keeps a membership that has ended. `known_since` is the position from which on this process knows the room's
    /// members, unless it knows it better already.
    pub(super) fn keep(&mut self, room: &Room, span: MembershipSpan, known_since: Seq, now: Instant) {
        if span.until.is_some_and(|until| until <= span.after) {
            return;
        }
        let kept = self.rooms.entry(room.clone()).or_insert(Kept { known_since, memberships: 0 });
        kept.memberships += 1;
        self.ended.push_back(Ended { room: room.clone(), at: now, span });
    }

    /// The next membership that is too old, or one too many: it is no longer kept. `Some` as long as there is one: its
    /// room, and the position from which on this room is known then.
    pub(super) fn forget(&mut self, now: Instant) -> Option<(Room, Seq)> {
        let oldest = self.ended.front()?;
        let is_old = now.saturating_duration_since(oldest.at) >= KEPT_FOR;
        if !is_old && self.ended.len() <= KEPT {
            return None;
        }
        let Ended { room, span, .. } = self.ended.pop_front()?;
        let after = span.until.unwrap_or_default().next();
        let Some(kept) = self.rooms.get_mut(&room) else { return Some((room, after)) };
        kept.known_since = kept.known_since.max(after);
        kept.memberships = kept.memberships.saturating_sub(1);
        let known_since = kept.known_since;
        if kept.memberships == 0 {
            self.rooms.remove(&room);
        }
        Some((room, known_since))
    }

    /// From which position on nobody is missing; `None` if no membership in the room is kept.
    pub(super) fn known_since(&self, room: &Room) -> Option<Seq> {
        self.rooms.get(room).map(|kept| kept.known_since)
    }

    /// Those who were in the room at a position, and have left it since.
    pub(super) fn present<'a>(&'a self, room: &'a Room, at: Seq) -> impl Iterator<Item = &'a MembershipSpan> {
        self.ended
            .iter()
            .filter(move |ended| ended.room == *room && ended.span.covers(at))
            .map(|ended| &ended.span)
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        assert!(self.ended.len() <= KEPT, "what is kept is bounded");
        let memberships: usize = self.rooms.values().map(|kept| kept.memberships).sum();
        assert_eq!(memberships, self.ended.len(), "each membership counts for its room");
        assert!(self.rooms.values().all(|kept| kept.memberships > 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::tests::support::{room, user};
    use crate::ids::UserId;

    fn span(number: usize, after: u64, until: u64) -> MembershipSpan {
        let connection = format!("01890a5d-ac96-774b-aaaa-{number:012}").parse().unwrap();
        MembershipSpan { connection, user: user(number), after: Seq(after), until: Some(Seq(until)) }
    }

    fn users(history: &History, of: &Room, at: u64) -> Vec<UserId> {
        history.present(of, Seq(at)).map(|span| span.user).collect()
    }

    #[test]
    fn who_was_there_is_told_by_positions() {
        let (mut history, now, here) = (History::default(), Instant::now(), room("a"));
        history.keep(&here, span(1, 2, 4), Seq(3), now);
        history.keep(&here, span(2, 3, 5), Seq(3), now);
        history.keep(&here, span(3, 5, 5), Seq(3), now);
        history.keep(&room("b"), span(4, 0, 9), Seq(1), now);
        assert_eq!(users(&history, &here, 2), []);
        assert_eq!(users(&history, &here, 3), [user(1)]);
        assert_eq!(users(&history, &here, 4), [user(1), user(2)]);
        assert_eq!(users(&history, &here, 5), [user(2)], "who was sent no event leaves no trace");
        assert_eq!(users(&history, &here, 6), []);
        assert_eq!(history.known_since(&here), Some(Seq(3)));
        assert_eq!(history.known_since(&room("c")), None);
        history.check_invariants();
    }

    #[test]
    fn what_is_forgotten_is_not_known_any_more() {
        let (mut history, began, here) = (History::default(), Instant::now(), room("a"));
        let later = began + Duration::from_secs(60);
        history.keep(&here, span(1, 0, 4), Seq(1), began);
        history.keep(&here, span(2, 0, 9), Seq(1), later);
        assert_eq!(history.forget(later), None);
        assert_eq!(history.forget(began + KEPT_FOR), Some((here.clone(), Seq(5))));
        assert_eq!(history.forget(began + KEPT_FOR), None);
        assert_eq!((history.known_since(&here), users(&history, &here, 3)), (Some(Seq(5)), vec![user(2)]));
        assert_eq!(history.forget(later + KEPT_FOR), Some((here.clone(), Seq(10))));
        assert_eq!(history.known_since(&here), None);
        history.check_invariants();
    }

    #[test]
    fn ten_thousand_are_kept() {
        let (mut history, now, here) = (History::default(), Instant::now(), room("a"));
        for number in 0..KEPT + 2 {
            let seq = number as u64;
            history.keep(&here, span(number, seq, seq + 1), Seq(1), now);
            while history.forget(now).is_some() {}
        }
        history.check_invariants();
        assert_eq!(history.known_since(&here), Some(Seq(3)));
        assert_eq!(users(&history, &here, 2), []);
        assert_eq!(users(&history, &here, 3), [user(2)]);
    }
}
