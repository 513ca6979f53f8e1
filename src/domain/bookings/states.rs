//! The booking state machine: states, actions, and who may take which.

use crate::db::text_enum;
use crate::domain::policy::{Machine, Need, Rule};

use super::Booking;

text_enum! {
    /// The state of a booking.
    pub(crate) enum State as "BookingState" {
        /// Agreed; the work has not started.
        Confirmed = "confirmed",
        /// The work has started.
        InProgress = "in_progress",
        /// The work is done.
        Completed = "completed",
        /// Cancelled by a party or an admin.
        Cancelled = "cancelled",
        /// A party did not show up.
        NoShow = "no_show",
        /// The parties disagree about the result.
        Disputed = "disputed",
    }
}

text_enum! {
    /// Actions on a booking.
    pub(crate) enum Action {
        /// Start the work.
        Start = "start",
        /// Complete the work.
        Complete = "complete",
        /// Cancel, by a party.
        Cancel = "cancel",
        /// Cancel, by an admin.
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
