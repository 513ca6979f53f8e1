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

mod board_clients;
mod config;
mod drain;
mod error;
mod event_log;
mod handle;
mod inspect;
mod local;
mod metrics;
mod outbox;
mod message;
mod publisher;
mod registration;
mod room;
mod shared;
mod user_limit;
#[cfg(test)]
mod tests;
mod workers;

pub(crate) use board_clients::Lease;
pub use board_clients::{BoardClients, ClientId};
pub use config::HubConfig;
pub use drain::{DrainPlan, Drained};
pub use error::{BroadcastError, HubBusy, JoinError};
pub use event_log::EventLog;
pub use handle::{HubHandle, HubSnapshot};
pub use inspect::{LiveSession, RoomSnapshot, SessionFilter};
pub use local::{Joined, LocalHub, RegistrationHandle, Spliced};
pub use metrics::HubMetrics;
pub use outbox::{Delivery, LatestKey, Outbox, OutboxLimits, OutboxStream, Progress, Pushed};
pub use publisher::HubPublisher;
pub use registration::{Credentials, Evict, Registration};
pub use user_limit::{LimitError, UserPermit};
