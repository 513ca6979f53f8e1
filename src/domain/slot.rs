//! Time slots: half-open intervals of bounded length.

use std::time::Duration;

use crate::clock::Timestamp;

/// Maximum length: longer work takes several bookings.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// A span of time `[start, end)`, never empty. Two slots that only touch do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Slot {
    /// When it begins.
    start: Timestamp,
    /// When it is over; not part of it.
    end: Timestamp,
}

/// Why a slot was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidSlot {
    /// The end is not after the start.
    #[error("end must be after start")]
    Reversed,
    /// Longer than the maximum.
    #[error("must not be longer than 31 days")]
    TooLong,
}

impl Slot {
    /// From `start` (inclusive) to `end` (exclusive).
    pub(crate) fn new(start: Timestamp, end: Timestamp) -> Result<Self, InvalidSlot> {
        if end <= start {
            return Err(InvalidSlot::Reversed);
        }
        if end.since(start) > LONGEST {
            return Err(InvalidSlot::TooLong);
        }
        Ok(Self { start, end })
    }

    /// Start, inclusive.
    pub(crate) fn start(self) -> Timestamp {
        self.start
    }

    /// End, exclusive.
    pub(crate) fn end(self) -> Timestamp {
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
