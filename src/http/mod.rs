//! The marketplace over HTTP: routes, extractors, and the one table of errors.
//!
//! A handler parses into a command, calls one use case through [`read`] or [`decide`], and represents the result.
//! No decision of the marketplace is made here.

mod address;
mod admin;
mod auth;
pub mod body;
mod bookings;
pub mod connection;
mod consumers;
mod conversations;
mod entries;
pub mod error;
mod etag;
mod extract;
mod fallback;
mod fields;
pub mod health;
mod idempotency;
pub mod input;
pub mod metrics;
pub mod middleware;
mod offers;
pub mod openapi;
mod pagination;
mod projects;
mod providers;
mod reply;
mod requests;
pub mod root;
pub mod routes;
mod sessions;
mod simulations;

pub use address::client_address;
pub use error::Problem;
pub use etag::IfMatch;
pub use extract::{Body, Caller, FormOrJson, Id, Ids, MaybeBody, Query};
pub use fields::Fields;
pub use idempotency::{DecidingCall, decide, forget_answers};
pub use pagination::{PageQuery, Paged};
pub use reply::{Reply, read, read_current};
