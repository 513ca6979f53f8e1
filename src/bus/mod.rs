//! Pub/sub between the nodes of one database over Redis, for what is better known early.
//!
//! Nothing depends on it: what must arrive is in the database, and the rest may be lost. So nobody ever waits
//! for Redis. While it is away, messages are dropped; it is connected to again by itself.

mod message;
mod metrics;
mod redis;
mod status;

pub(crate) use self::metrics::BusMetrics;
pub(crate) use self::redis::Bus;
pub use self::redis::BusError;
pub(crate) use self::status::{BusConnection, BusStatus};
