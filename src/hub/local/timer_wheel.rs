//! When to look at which session: a timer wheel with a slot for each second. An idle session is looked at when its
//! ping is due, and not in between.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::ids::ConnectionId;

/// Interval between two ticks, which is the resolution of every deadline here.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// A slot: so many ticks after the wheel's start.
pub(super) type Slot = u64;

/// Sessions by the slot in which they are due. An entry is not taken back: a session that is due at another time is
/// inserted again, and the session itself knows which of its entries counts.
pub(super) struct TimerWheel {
    start: Instant,
    slots: BTreeMap<Slot, Vec<ConnectionId>>,
}

impl TimerWheel {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, slots: BTreeMap::new() }
    }

    /// The first of the next slots whose number modulo `interval` is that of `number`; intervals are in ticks.
    /// Consecutive numbers spread sessions evenly over the interval, even if they connect at the same time.
    pub(super) fn spread(&self, number: u64, interval: Duration, now: Instant) -> Instant {
        let slots = (interval.as_secs() / TICK.as_secs()).max(1);
        let next = self.slot(now) + 1;
        let until = (number % slots + slots - next % slots) % slots;
        self.start + Duration::from_secs((next + until) * TICK.as_secs())
    }

    /// Inserts a session that is due at `deadline`, but not in the present slot; returns its slot.
    pub(super) fn insert(&mut self, connection: ConnectionId, deadline: Instant, now: Instant) -> Slot {
        // The first slot that begins at the deadline or after it.
        let last_before = self.slot(deadline - Duration::from_nanos(1));
        let slot = last_before.max(self.slot(now)) + 1;
        self.slots.entry(slot).or_default().push(connection);
        slot
    }

    /// Takes out the entries of the earliest slot, if it has come.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(Slot, Vec<ConnectionId>)> {
        let present = self.slot(now);
        let earliest = self.slots.first_entry().filter(|earliest| *earliest.key() <= present)?;
        Some(earliest.remove_entry())
    }

    /// The slot at this time.
    fn slot(&self, now: Instant) -> Slot {
        now.saturating_duration_since(self.start).as_secs() / TICK.as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(number: u32) -> ConnectionId {
        format!("01890a5d-ac96-774b-bcce-{number:012}").parse().unwrap()
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn nobody_is_due_before_the_deadline_or_a_tick_after_it() {
        let start = Instant::now();
        for deadline in [0, 1, 999, 1_000, 1_001, 2_500, 60_000] {
            let mut wheel = TimerWheel::new(start);
            wheel.insert(connection(1), start + millis(deadline), start);
            let due = (0..70_000).step_by(250).find(|now| wheel.pop(start + millis(*now)).is_some());
            let due = due.unwrap();
            assert!(due >= deadline && due <= deadline.max(1) + 999, "{deadline}: {due}");
        }
    }

    #[test]
    fn who_is_inserted_while_the_present_slot_is_emptied_is_due_in_the_next() {
        let start = Instant::now();
        let mut wheel = TimerWheel::new(start);
        let now = start + millis(5_100);
        wheel.insert(connection(1), start + millis(100), now);
        assert_eq!(wheel.pop(now), None);
        assert_eq!(wheel.pop(start + millis(6_000)), Some((6, vec![connection(1)])));
    }

    #[test]
    fn what_was_missed_comes_in_the_order_in_which_it_was_due() {
        let start = Instant::now();
        let mut wheel = TimerWheel::new(start);
        for second in [3, 1, 2, 1] {
            wheel.insert(connection(second), start + millis(u64::from(second) * 1_000), start);
        }
        let late = start + millis(90_000);
        let due: Vec<_> = std::iter::from_fn(|| wheel.pop(late)).flat_map(|(_, due)| due).collect();
        assert_eq!(due, [1, 1, 2, 3].map(connection));
    }

    #[test]
    fn sessions_that_come_together_or_one_each_second_are_spread_evenly() {
        let start = Instant::now();
        let wheel = TimerWheel::new(start);
        for apart in [0, 1_000] {
            let mut counts = [0_u32; 24];
            for number in 0..240 {
                let now = start + millis(number * apart);
                let first = wheel.spread(number, Duration::from_secs(24), now) - now;
                assert!(first > Duration::ZERO && first <= Duration::from_secs(24));
                let slot = (first + (now - start)).as_secs() % 24;
                counts[usize::try_from(slot).unwrap()] += 1;
            }
            assert_eq!(counts, [10; 24]);
        }
    }
}
