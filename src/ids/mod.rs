//! Names of things: typed identifiers, room names and positions within a room.
//!
//! Everything that crosses an edge as text becomes one of these there; inside, no `String` is an id.

mod call;
mod category;
mod id;
mod room;

pub use call::{CallId, InvalidCallId};
pub use category::{Category, InvalidCategory};
pub use id::*;
pub use room::{InvalidRoom, Room, Seq};
