//! Slots of time.

use std::time::Duration;

use crate::clock::Timestamp;

/// The longest slot: work that takes longer is several bookings.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// A span of time `[start, end)`, never empty. Two slots that only touch do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Slot {
    /// When it begins.
    start: Timestamp,
    /// When it is over; not part of it.
    end: Timestamp,
}

/// The two times make no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSlot {
    /// It ends before it begins.
    #[error("end must be after start")]
    Reversed,
    /// It never seems to end.
    #[error("must not be longer than 31 days")]
    TooLong,
}

impl Slot {
    /// From `start` until before `end`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, InvalidSlot> {
        if end <= start {
            return Err(InvalidSlot::Reversed);
        }
        if end.since(start) > LONGEST {
            return Err(InvalidSlot::TooLong);
        }
        Ok(Self { start, end })
    }

    /// When it begins.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// When it is over.
    pub fn end(self) -> Timestamp {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_a_length() {
        let at = |seconds| Timestamp::from_seconds(seconds).unwrap();
        assert!(Slot::new(at(1), at(2)).is_ok());
        assert_eq!(Slot::new(at(2), at(2)), Err(InvalidSlot::Reversed));
        assert_eq!(Slot::new(at(0), at(32 * 86_400)), Err(InvalidSlot::TooLong));
    }
}
