//! The states of a request and who may move it.

use crate::db::text_enum;
use crate::domain::policy::{Machine, Need, Rule};

use super::Request;

text_enum! {
    /// The state of a request.
    pub enum State as "RequestState" {
        /// Being written; only its owner sees it.
        Draft = "draft",
        /// In the market.
        Open = "open",
        /// An offer was accepted.
        Booked = "booked",
        /// Its booking was completed.
        Fulfilled = "fulfilled",
        /// Its owner took it back.
        Cancelled = "cancelled",
        /// Its time was over.
        Expired = "expired",
        /// An admin took it out of the market.
        Removed = "removed",
    }
}

text_enum! {
    /// What can be done to a request.
    pub enum Action {
        /// Put it into the market.
        Publish = "publish",
        /// Change what it says.
        Edit = "edit",
        /// Give it more time.
        Extend = "extend",
        /// Take it back.
        Cancel = "cancel",
        /// Accept one of its offers (which is done to the offer).
        Book = "book",
        /// Its time is over.
        Expire = "expire",
        /// Its booking was cancelled before the start.
        Reopen = "reopen",
        /// Its booking was completed.
        Fulfil = "fulfil",
        /// Take it out of the market.
        Remove = "remove",
        /// Put it back into the market.
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
