//! The lower level of the hub: the sessions of one worker thread, their memberships and their liveness. Which
//! event is next in a room is decided in `room`, not here.

mod actor;
mod effects;
mod frames;
mod notices;
mod hub;
mod index;
mod membership;
mod sessions;
mod liveness;
mod timer_wheel;

pub(super) use actor::start;
pub(crate) use hub::{Joined, LocalHub, RegistrationHandle};
pub(crate) use membership::Spliced;
