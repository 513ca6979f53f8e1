//! The request state machine: states, actions, and who may take which.

use crate::db::text_enum;
use crate::domain::policy::{Machine, Need, Rule};

use super::Request;

text_enum! {
    /// The state of a request.
    pub(crate) enum State as "RequestState" {
        /// Unpublished; visible to its owner only.
        Draft = "draft",
        /// Published to the market.
        Open = "open",
        /// An offer was accepted.
        Booked = "booked",
        /// Its booking was completed.
        Fulfilled = "fulfilled",
        /// Cancelled by its owner, or closed by the system.
        Cancelled = "cancelled",
        /// Its `expires_at` has passed.
        Expired = "expired",
        /// Removed from the market by an admin.
        Removed = "removed",
    }
}

text_enum! {
    /// Actions on a request.
    pub(crate) enum Action {
        /// Publish to the market.
        Publish = "publish",
        /// Edit the details.
        Edit = "edit",
        /// Extend the expiry.
        Extend = "extend",
        /// Cancel.
        Cancel = "cancel",
        /// Accept one of its offers (an action on the offer).
        Book = "book",
        /// Expire, when `expires_at` has passed.
        Expire = "expire",
        /// Reopen, because its booking was cancelled before the work started.
        Reopen = "reopen",
        /// Close, because its owner was suspended, or its booking was cancelled after the work had started.
        Close = "close",
        /// Fulfil, because its booking was completed.
        Fulfil = "fulfil",
        /// Remove from the market, as an admin.
        Remove = "remove",
        /// Restore to the market, as an admin.
        Restore = "restore",
    }
}

const fn rule(from: State, action: Action, who: Need, to: State) -> Rule<State, Action> {
    Rule { from, action, who, to }
}

impl Machine for Request {
    type State = State;
    type Action = Action;

    const TABLE: &'static [Rule<State, Action>] = &[
        rule(State::Draft, Action::Publish, Need::Owner, State::Open),
        rule(State::Draft, Action::Edit, Need::Owner, State::Draft),
        rule(State::Open, Action::Edit, Need::Owner, State::Open),
        rule(State::Open, Action::Extend, Need::Owner, State::Open),
        rule(State::Open, Action::Cancel, Need::Owner, State::Cancelled),
        rule(State::Open, Action::Book, Need::System, State::Booked),
        rule(State::Open, Action::Expire, Need::System, State::Expired),
        rule(State::Open, Action::Close, Need::System, State::Cancelled),
        rule(State::Booked, Action::Close, Need::System, State::Cancelled),
        rule(State::Booked, Action::Reopen, Need::System, State::Open),
        rule(State::Booked, Action::Fulfil, Need::System, State::Fulfilled),
        rule(State::Draft, Action::Remove, Need::Admin, State::Removed),
        rule(State::Open, Action::Remove, Need::Admin, State::Removed),
        rule(State::Removed, Action::Restore, Need::Admin, State::Open),
    ];

    fn state(&self) -> State {
        self.state
    }
}
