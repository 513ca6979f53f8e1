//! What happened: facts, the log that keeps them per room, the audit trail, and the seam to whoever tells the world.
//!
//! Facts are appended inside the transaction that made them true and leave the process only after its commit.

pub mod audit;
mod envelope;
pub mod log;

pub use envelope::{Committed, EndReason, Ending, Envelope, Fact, Publisher};
