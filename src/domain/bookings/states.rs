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

/// What becomes of a booking's request when the booking is cancelled. Its offer is voided whenever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aftermath {
    /// It is open again, as it was before an offer was accepted.
    Reopened,
    /// It is closed: what is left of work that was begun is another request, which only its owner can write.
    Closed,
}

impl State {
    /// What becomes of the request of a booking that is cancelled in this state.
    pub(super) const fn aftermath(self) -> Aftermath {
        match self {
            Self::Confirmed => Aftermath::Reopened,
            Self::InProgress | Self::NoShow | Self::Disputed | Self::Completed | Self::Cancelled => {
                Aftermath::Closed
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::offers::{self, Offer};
    use crate::domain::requests::{self, Request};

    /// The state of the request after its booking was cancelled in `from`, by the tables.
    fn request_after(from: State) -> requests::State {
        let action = match from.aftermath() {
            Aftermath::Reopened => requests::Action::Reopen,
            Aftermath::Closed => requests::Action::Close,
        };
        let of_booked = |rule: &&Rule<_, _>| rule.from == requests::State::Booked && rule.action == action;
        Request::TABLE.iter().find(of_booked).unwrap().to
    }

    #[test]
    fn a_cancelled_booking_leaves_no_request_booked_and_no_offer_accepted() {
        let cancels = Booking::TABLE.iter().filter(|rule| rule.to == State::Cancelled);
        let table: Vec<_> = cancels
            .map(|rule| (rule.from.as_str(), rule.action.as_str(), request_after(rule.from)))
            .collect();
        assert_eq!(
            table,
            [
                ("confirmed", "cancel", requests::State::Open),
                ("in_progress", "cancel", requests::State::Cancelled),
                ("confirmed", "force_cancel", requests::State::Open),
                ("in_progress", "force_cancel", requests::State::Cancelled),
            ]
        );
        let voids = Offer::TABLE.iter().filter(|rule| rule.action == offers::Action::Void);
        let voids: Vec<_> = voids.map(|rule| (rule.from, rule.to)).collect();
        assert_eq!(voids, [(offers::State::Accepted, offers::State::Voided)]);
    }
}
