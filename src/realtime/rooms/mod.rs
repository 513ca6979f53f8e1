//! Decides who may be in a room. Joining is authorization: every member gets all of the room's events, so
//! nothing is checked per event.

mod access;
mod standalone;

pub(super) use access::authorize;
