//! Quotas of the assistant, by plan and day. A day is one in UTC, by the clock of the unit of work.
//!
//! What is used is counted in the transaction of what uses it, so that neither a crash nor a second process
//! makes a difference.

mod repository;
mod service;

pub(crate) use service::{
    add_characters, check_characters, check_plans, forget, take_message, take_plan, usage,
};

use std::time::Duration;

use crate::clock::Timestamp;
use crate::db::text_enum;

/// Seconds of a day.
const DAY: i64 = 86_400;

text_enum! {
    /// What is limited.
    pub enum Quota {
        /// Messages to the assistant.
        Messages = "messages_per_day",
        /// Masterplans.
        Plans = "plans_per_day",
        /// Characters that a generator has written: answers, also as much of those that were not stored as was
        /// written, and plans that were stored.
        Characters = "generated_characters_per_day",
    }
}

impl Quota {
    /// What is used up, for people.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Messages => "messages to the assistant",
            Self::Plans => "masterplans",
            Self::Characters => "generated characters",
        }
    }
}

/// The quotas of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DailyLimits {
    /// Messages to the assistant.
    pub(crate) messages: u32,
    /// Masterplans.
    pub(crate) plans: u32,
    /// Generated characters. A text that was begun before they are used up is finished.
    pub(crate) characters: u32,
}

impl DailyLimits {
    /// The limit of one quota.
    pub(crate) fn of(&self, quota: Quota) -> u32 {
        match quota {
            Quota::Messages => self.messages,
            Quota::Plans => self.plans,
            Quota::Characters => self.characters,
        }
    }
}

/// What a user has used on the current day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Messages to the assistant.
    pub(crate) messages: u32,
    /// Masterplans.
    pub(crate) plans: u32,
    /// Generated characters.
    pub(crate) characters: u32,
    /// How long the day goes on.
    pub(crate) resets_in: Duration,
}

impl Usage {
    /// What is used of one quota.
    pub(crate) fn of(&self, quota: Quota) -> u32 {
        match quota {
            Quota::Messages => self.messages,
            Quota::Plans => self.plans,
            Quota::Characters => self.characters,
        }
    }

    /// The quota of which the most is used, if that is four fifths or more: users are told before it is used
    /// up.
    pub(crate) fn nearly_used_up(&self, limits: &DailyLimits) -> Option<Quota> {
        let percent = |quota: Quota| {
            u64::from(self.of(quota)).saturating_mul(100).checked_div(limits.of(quota).into()).unwrap_or(100)
        };
        Quota::ALL.iter().copied().filter(|quota| percent(*quota) >= 80).max_by_key(|quota| percent(*quota))
    }
}

/// The day of a time, and how long it goes on.
fn day_of(now: Timestamp) -> (i64, Duration) {
    let left = now.end_of_day().as_seconds() - now.as_seconds();
    (now.start_of_day().as_seconds() / DAY, Duration::from_secs(left.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_in_utc() {
        let at = |seconds| day_of(Timestamp::from_seconds(seconds).unwrap());
        assert_eq!(at(0), (0, Duration::from_secs(86_400)));
        assert_eq!(at(86_399), (0, Duration::from_secs(1)));
        assert_eq!(at(86_400), (1, Duration::from_secs(86_400)));
    }

    #[test]
    fn four_fifths_are_nearly_all() {
        let limits = DailyLimits { messages: 10, plans: 3, characters: 1_000 };
        let usage = |messages, plans, characters| {
            let resets_in = Duration::from_secs(1);
            Usage { messages, plans, characters, resets_in }.nearly_used_up(&limits)
        };
        assert_eq!(usage(7, 2, 799), None);
        assert_eq!(usage(8, 0, 0), Some(Quota::Messages));
        assert_eq!(usage(8, 3, 900), Some(Quota::Plans));
        assert_eq!(usage(8, 0, 2_000), Some(Quota::Characters));
    }
}
