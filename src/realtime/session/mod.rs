//! One client's session: who it is, what it may still say, and when it must end.
//!
//! `state` decides and knows no socket, no actor and no clock but the one it is told; `actor` carries out
//! what it decides. A session exists only for an authenticated client: before that there is an
//! [`Unauthenticated`] and nothing to command.

mod actor;
mod limits;
mod state;

pub use actor::{SessionActor, SessionParts};
pub use state::{Effect, Session, Unauthenticated};
