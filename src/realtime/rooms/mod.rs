//! Which policy lets whom into a room. Joining is authorization: whoever is in a room hears all of it.

mod access;
mod standalone;

pub(super) use access::may_hear;
