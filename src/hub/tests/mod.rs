//! The hub as a whole: real actors and outboxes, an event log in memory, no sockets.

mod delivery;
mod revocations;
mod inspect;
mod model;
mod probe;
pub(super) mod support;
mod threads;
