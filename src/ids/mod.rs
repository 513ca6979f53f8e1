//! Typed identifiers, room names, and positions within a room.
//!
//! Text that crosses an edge is parsed into one of these types there; past the edge, no `String` is an id.

mod call;
mod category;
mod id;
mod room;

pub use call::CallId;
pub(crate) use category::{Category, InvalidCategory};
pub use id::*;
pub use room::{Room, Seq};
