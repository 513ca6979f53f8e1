//! Who may do what: one place, one table, one constructor.
//!
//! [`authorize`] is the only way to an [`Authorized`] row, and repositories' writes accept nothing else. What a caller
//! *is* towards a row is its [`Standing`]; what an action asks for is a [`Need`]; the rows of the table are [`Right`]s
//! (those of state changes come from the state machines). An admin's passing is a [`Grant`] of its own and writes its
//! audit row by itself; a refusal does too.

mod authorize;
mod machine;
mod resource;
mod right;
mod scope;
mod standing;

pub use authorize::{
    Authorized, Grant, audit_action, audit_listing, authorize, authorize_admin, by_system, owns,
};
pub use machine::{Machine, Rule, Step, allowed_actions, blocked, conflict, step, system_step};
pub use resource::Resource;
pub use right::{Right, Rights, allowed_changes};
pub use scope::{Scope, ScopeParts};
pub use standing::{Need, ProjectRole, Side, Standing};
