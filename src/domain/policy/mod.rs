//! Authorization: one place, one table, one constructor.
//!
//! [`authorize()`] is a caller's only way to an [`Authorized`] row, and the repositories' writes accept nothing
//! else. A caller's relation to a row is its [`Standing`]; what an action requires is a [`Need`]; the rows of
//! the rights table are [`Right`]s (those of state changes come from the state machines). Access by an admin
//! is told apart from that and audited; so is every refusal.

mod authorize;
mod explain;
mod machine;
mod resource;
mod right;
mod scope;
mod standing;

pub use authorize::Authorized;
pub(crate) use authorize::Verdict;
pub(crate) use authorize::{
    audit_action, audit_listing_of, authorize, authorize_admin, authorize_admin_because, authorize_own_list,
    by_system, refuse_write,
};
pub(crate) use explain::{Explanation, explain_right, explain_step};
pub(crate) use machine::{Machine, Rule, Step, allowed_actions, blocked, conflict, step, system_step};
pub(crate) use resource::Resource;
pub(crate) use right::{Right, Rights, allowed_changes};
pub use scope::Scope;
pub(crate) use scope::{Impersonator, ScopeParts, Viewer};
pub(crate) use standing::{Need, ProjectRole, Side, Standing};
