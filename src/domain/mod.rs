//! The marketplace's rules: resources, their states, and who may change them. No actix, no HTTP, no sockets.
//!
//! Each feature has types (`mod.rs`), a transition table (`states.rs`), storage (`repository.rs`), use cases
//! (`service.rs`) and domain events (`events.rs`). Use cases are plain functions on a `UnitOfWork`, called
//! alike by REST, every WebSocket dialect and the tests. Authorization is decided by `policy` alone.

pub mod audit;
pub mod bookings;
pub mod consumers;
pub mod conversations;
pub mod entries;
pub mod error;
pub mod money;
pub mod offers;
pub mod oversight;
pub mod page;
pub mod place;
pub mod policy;
pub mod projects;
pub mod providers;
pub mod requests;
pub mod sessions;
pub mod simulations;
pub mod slot;
pub mod text;
pub mod users;

pub use error::{Error, FieldError, Kind};
pub use page::{Page, Slice};
