//! The marketplace over HTTP: routes, extractors, and the one table of errors.
//!
//! A handler parses into a command, calls one use case through [`ReadCall::read`] or [`IdempotentCall::run`], and
//! represents the result. No rules of the marketplace are decided here.

mod address;
pub mod api;
pub mod body;
pub mod connection;
pub mod problem;
mod etag;
mod extract;
mod fallback;
mod fields;
pub mod health;
mod idempotency;
pub mod input;
pub mod metrics;
pub mod middleware;
pub mod openapi;
mod pagination;
mod reply;
pub mod root;
pub mod routes;
mod schema;

pub use address::client_address;
pub use etag::IfMatch;
pub use extract::{Body, Caller, FormOrJson, Id, Ids, MaybeBody, Query};
pub use fields::Fields;
pub use idempotency::{IdempotentCall, delete_expired};
pub use pagination::{PageQuery, Paged};
pub use problem::Problem;
pub use reply::{ReadCall, Reply};
