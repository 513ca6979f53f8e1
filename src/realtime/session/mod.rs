//! One client's session: its user, its limits, and when it must end.
//!
//! `state` decides, and knows neither socket nor actor nor clock (times are parameters); `actor` carries out
//! its decisions. A session exists only for an authenticated client: before that there is an
//! [`Unauthenticated`], which accepts no commands.

mod actor;
mod limits;
mod running_command;
mod state;

pub(crate) use actor::{SessionActor, SessionParts};
pub(crate) use state::Unauthenticated;
