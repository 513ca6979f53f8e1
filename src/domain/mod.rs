//! The marketplace's rules: resources, their states, and who may change them. No actix, no HTTP, no sockets.
//!
//! Each feature has types (`mod.rs`), a transition table (`states.rs`), storage (`repository.rs`), use cases
//! (`service.rs`) and domain events (`events.rs`). Use cases are plain functions on a `UnitOfWork`, called
//! alike by REST, every WebSocket dialect and the tests. Authorization is decided by `policy` alone.

pub(crate) mod audit;
pub(crate) mod bookings;
pub(crate) mod consumers;
pub mod conversations;
mod due;
pub(crate) mod entries;
pub(crate) mod error;
pub(crate) mod explain;
mod fields;
pub(crate) mod lifecycle;
pub(crate) mod masterplans;
pub mod money;
pub(crate) mod offers;
pub(crate) mod oversight;
pub(crate) mod page;
pub mod place;
pub mod policy;
pub(crate) mod projects;
pub(crate) mod providers;
pub(crate) mod quotas;
pub(crate) mod repeats;
pub mod requests;
pub(crate) mod retention;
pub mod sessions;
pub(crate) mod simulations;
pub(crate) mod slot;
pub(crate) mod text;
pub mod users;
pub(crate) mod verify;

pub(crate) use due::Due;
pub use error::Error;
pub(crate) use error::{FieldError, Kind};
pub(crate) use fields::Fields;
pub(crate) use page::{Page, Slice};
