//! The offer state machine: states, actions, and who may take which.

use crate::db::text_enum;
use crate::domain::policy::{Machine, Need, Rule};

use super::Offer;

text_enum! {
    /// The state of an offer.
    pub(crate) enum State as "OfferState" {
        /// Waiting for the request's owner.
        Pending = "pending",
        /// Waiting for the provider's response to a counter-offer.
        Countered = "countered",
        /// Accepted; a booking exists.
        Accepted = "accepted",
        /// Declined by the request's owner.
        Declined = "declined",
        /// Withdrawn by its provider.
        Withdrawn = "withdrawn",
        /// Its `valid_until` has passed.
        Expired = "expired",
        /// Another offer was accepted, the request was closed, or its provider was suspended.
        NotSelected = "not_selected",
        /// Its booking was cancelled.
        Voided = "voided",
        /// Removed by an admin.
        Removed = "removed",
    }
}

text_enum! {
    /// Actions on an offer.
    pub(crate) enum Action {
        /// Change it, or affirm it for an edited request.
        Revise = "revise",
        /// Accept it, which creates a booking.
        Accept = "accept",
        /// Decline it.
        Decline = "decline",
        /// Withdraw it.
        Withdraw = "withdraw",
        /// Expire it, when its `valid_until` has passed.
        Expire = "expire",
        /// Close it, because another was accepted, the request was closed, or its provider was suspended.
        Lapse = "lapse",
        /// Void it, because its booking was cancelled.
        Void = "void",
        /// Remove it, as an admin.
        Remove = "remove",
    }
}

const fn rule(from: State, action: Action, who: Need, to: State) -> Rule<State, Action> {
    Rule { from, action, who, to }
}

impl Machine for Offer {
    type State = State;
    type Action = Action;

    const TABLE: &'static [Rule<State, Action>] = &[
        rule(State::Pending, Action::Revise, Need::Owner, State::Pending),
        rule(State::Pending, Action::Accept, Need::Consumer, State::Accepted),
        rule(State::Pending, Action::Decline, Need::Consumer, State::Declined),
        rule(State::Pending, Action::Withdraw, Need::Owner, State::Withdrawn),
        rule(State::Pending, Action::Expire, Need::System, State::Expired),
        rule(State::Pending, Action::Lapse, Need::System, State::NotSelected),
        rule(State::Accepted, Action::Void, Need::System, State::Voided),
        rule(State::Pending, Action::Remove, Need::Admin, State::Removed),
    ];

    fn state(&self) -> State {
        self.state
    }

    fn is_unobstructed(&self, action: Action) -> bool {
        action != Action::Accept || !self.is_outdated
    }
}
