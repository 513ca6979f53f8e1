//! The states of an offer and who may move it.

use crate::db::text_enum;
use crate::domain::policy::{Machine, Need, Rule};

use super::Offer;

text_enum! {
    /// The state of an offer.
    pub enum State as "OfferState" {
        /// Waits for the request's owner.
        Pending = "pending",
        /// Waits for the provider's answer to a counter-offer.
        Countered = "countered",
        /// Became a booking.
        Accepted = "accepted",
        /// The request's owner said no.
        Declined = "declined",
        /// Its provider took it back.
        Withdrawn = "withdrawn",
        /// Its time was over.
        Expired = "expired",
        /// Another one was accepted, or the request went away.
        NotSelected = "not_selected",
        /// Its booking was cancelled before the start.
        Voided = "voided",
        /// An admin took it away.
        Removed = "removed",
    }
}

text_enum! {
    /// What can be done to an offer.
    pub enum Action {
        /// Change it, or affirm it for a request that was edited.
        Revise = "revise",
        /// Make it a booking.
        Accept = "accept",
        /// Say no.
        Decline = "decline",
        /// Take it back.
        Withdraw = "withdraw",
        /// Its time is over.
        Expire = "expire",
        /// Another one was accepted, or the request went away.
        Lapse = "lapse",
        /// Its booking was cancelled before the start.
        Void = "void",
        /// Take it away.
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
