//! The upper level of the hub: rooms, their members and the order of their events. It knows worker threads,
//! but neither sessions nor outboxes.

mod actor;
mod audience;
mod elsewhere;
mod history;
mod sequencer;
mod last_minute;
mod output;
mod rooms;
mod state;
#[cfg(test)]
mod tests;

pub(super) use actor::{Deps, RoomHub};
