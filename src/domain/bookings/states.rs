//! The states of a booking and who may move it.

use crate::db::text_enum;
use crate::domain::policy::{Machine, Need, Rule};

use super::Booking;

text_enum! {
    /// The state of a booking.
    pub enum State as "BookingState" {
        /// Agreed on.
        Confirmed = "confirmed",
        /// The work has begun.
        InProgress = "in_progress",
        /// The work is done.
        Completed = "completed",
        /// It will not be.
        Cancelled = "cancelled",
        /// One of the two was not there.
        NoShow = "no_show",
        /// The two do not agree on how it went.
        Disputed = "disputed",
    }
}

text_enum! {
    /// What can be done to a booking.
    pub enum Action {
        /// Begin the work.
        Start = "start",
        /// Say that the work is done.
        Complete = "complete",
        /// Call it off.
        Cancel = "cancel",
        /// Call it off for the two.
        ForceCancel = "force_cancel",
    }
}

const fn rule(from: State, action: Action, who: Need, to: State) -> Rule<State, Action> {
    Rule { from, action, who, to }
}

impl Machine for Booking {
    type State = State;
    type Action = Action;

    const TABLE: &'static [Rule<State, Action>] = &[
        rule(State::Confirmed, Action::Start, Need::Provider, State::InProgress),
        rule(State::Confirmed, Action::Complete, Need::Party, State::Completed),
        rule(State::InProgress, Action::Complete, Need::Party, State::Completed),
        rule(State::Confirmed, Action::Cancel, Need::Party, State::Cancelled),
        rule(State::InProgress, Action::Cancel, Need::Party, State::Cancelled),
        rule(State::Confirmed, Action::ForceCancel, Need::Admin, State::Cancelled),
        rule(State::InProgress, Action::ForceCancel, Need::Admin, State::Cancelled),
    ];

    fn state(&self) -> State {
        self.state
    }
}
