//! The upper level of the hub: rooms, their members and the order of their events.

mod actor;
mod order;
mod rooms;
mod state;
#[cfg(test)]
mod tests;

pub(super) use actor::{Parts, RoomHub, ToRoomHub};
pub(super) use rooms::Join;
pub use rooms::RoomSnapshot;
