//! What happened: facts, the log that keeps them per room, the audit trail, and the seam to whoever tells the world.
//!
//! Facts are appended inside the transaction that made them true and leave the process only after its commit.

mod envelope;

pub use envelope::{Committed, DomainEvent, Envelope, Publisher, Revocation, RevocationReason};
