//! The marketplace over HTTP: routes, extractors, and the one table of errors.
//!
//! A handler parses into a command, calls one use case through [`ReadCall::read`] or [`IdempotentCall::run`], and
//! represents the result. No rules of the marketplace are decided here.

mod address;
pub(crate) mod api;
pub(crate) mod body;
pub mod connection;
pub mod problem;
pub(crate) mod dashboard;
mod etag;
mod extract;
mod fallback;
mod feature_routes;
pub(crate) mod health;
mod idempotency;
pub(crate) mod input;
pub(crate) mod metrics;
pub(crate) mod middleware;
pub mod openapi;
mod pagination;
mod quota;
mod reply;
pub(crate) mod root;
pub(crate) mod routes;
mod schema;
mod state_query;
mod user_state_query;

pub(crate) use crate::domain::Fields;
pub(crate) use address::client_address;
pub(crate) use etag::{IfMatch, Seen};
pub(crate) use extract::{Body, Caller, FormOrJson, Id, Ids, MaybeBody, Query};
pub(crate) use idempotency::{IdempotentCall, delete_expired, seal_stored_replies};
pub(crate) use pagination::{PageQuery, Paged};
pub use problem::Problem;
pub(crate) use quota::add_quota_headers;
pub(crate) use reply::{ReadCall, Reply};
pub(crate) use state_query::StateQuery;
pub(crate) use user_state_query::UserStateQuery;
