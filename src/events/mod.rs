//! Types only: domain events, their envelopes, revocations, and the [`Publisher`] trait by which writers
//! report commits. The rows of the event log and the audit log are written in `db`.
//!
//! Events are appended inside the transaction that made them true and leave the process only after its
//! commit.

mod envelope;
mod presence;

pub use envelope::{Committed, DomainEvent, Envelope};
pub(crate) use envelope::{Publisher, Revocation, RevocationReason};
pub(crate) use presence::RoomPresence;
