//! Who hears what: membership and order of rooms, the outboxes of sessions, and who must go.
//!
//! Two levels. One **RoomHub** actor keeps membership and order and encodes each notice once per dialect. One **LocalHub**
//! per worker thread puts the encoded frames into the outboxes of the sessions on its thread, watches that they are read
//! and that clients are alive, and evicts. Nothing here decides who may join: policy does, after the hub was asked and
//! before the member hears anything.
//!
//! ```text
//!  writers ──HubPublisher──► RoomHub ──parcel per worker──► LocalHub ──frame──► outbox ──► socket
//!              │ (full: flag,   ▲ │ join, departed            ▲
//!              │  read the log) └─┼───────────────────────────┤
//!              └── ended rights ──┼──────────────────────────►┘
//!                                 └── head, gaps ──► event log
//! ```
//!
//! Nothing is lost by a full mailbox: events are read from the log, ended rights and sessions that must close wait beside
//! the mailbox, departures are reported again, and what a client asks for is answered busy.

mod config;
mod drain;
mod event_log;
mod handle;
mod listing;
mod local;
mod metrics;
mod outbox;
mod parcel;
mod publisher;
mod registration;
mod room;
mod seats;
#[cfg(test)]
mod tests;
mod workers;

pub use config::HubConfig;
pub use drain::{DrainPlan, Drained};
pub use event_log::EventLog;
pub use handle::{HubHandle, HubSnapshot};
pub use listing::{LiveSession, SessionFilter};
pub use local::{Guard, HubBusy, JoinError, Joined, LocalHub, NotSaid, Spliced};
pub use metrics::HubMetrics;
pub use outbox::{Delivery, LatestKey, Outbox, OutboxLimits, OutboxStream, Progress, Pushed};
pub use publisher::HubPublisher;
pub use registration::{Credentials, Evict, Registration};
pub use room::RoomSnapshot;
pub use seats::{NoSeat, Seat};
