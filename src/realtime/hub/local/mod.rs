//! The lower level of the hub: the sessions of one worker thread.

mod actor;
mod effects;
mod endings;
mod hub;
mod index;
mod membership;
mod sessions;
#[cfg(test)]
mod tests;
mod watch;

pub(super) use actor::{LocalActor, ToLocalHub};
pub use hub::{Guard, HubBusy, Joined, LocalHub, NotSaid};
pub use membership::Spliced;
pub use sessions::JoinError;
