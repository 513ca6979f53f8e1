//! The hub as a whole: real actors and outboxes, a log in memory, no sockets.

mod delivery;
mod endings;
mod listing;
mod model;
pub(super) mod support;
mod threads;
