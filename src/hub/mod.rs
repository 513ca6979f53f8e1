//! Live delivery: membership and event order of rooms, the outboxes of sessions, and the eviction of
//! sessions.
//!
//! Two levels. One **RoomHub** actor keeps membership and order, and encodes each notice once per dialect.
//! One **LocalHub** per worker thread puts the encoded frames into the outboxes of the sessions on its
//! thread, checks that they are drained and that clients are alive, and evicts. Nothing here decides who may
//! join: the policy does, after the hub has been joined and before the member is sent anything.
//!
//! ```text
//!  writers ──HubPublisher──► RoomHub ──message per worker──► LocalHub ──frame──► outbox ──► socket
//!              │ (full: flag,   ▲ │ join, departed            ▲
//!              │  read the log) └─┼───────────────────────────┤
//!              └── revocations ───┼──────────────────────────►┘
//!                                 └── head, gaps ──► event log
//! ```
//!
//! A full mailbox loses nothing: events are read from the log, revocations and requests to close sessions
//! wait in a list beside the mailbox, ended memberships are reported again, and commands of clients are
//! answered with `busy`.

mod board_clients;
mod config;
mod deliveries;
mod drain;
mod ended;
mod ephemeral;
mod error;
mod event_log;
mod handle;
mod inspect;
mod local;
mod metrics;
mod outbox;
mod message;
mod presence;
mod probe;
mod publisher;
mod recorder;
mod registration;
mod relay;
mod room;
mod shared;
mod user_limit;
#[cfg(test)]
mod tests;
mod workers;

pub(crate) use board_clients::{BoardClients, ClientId, Lease};
pub use config::HubConfig;
pub(crate) use drain::DrainPlan;
pub(crate) use ended::{EndedFilter, EndedSession, Numbered};
pub(crate) use ephemeral::Ephemeral;
pub(crate) use error::{BroadcastError, HubBusy, JoinError};
pub use event_log::{EventLog, Events, RoomStart};
pub use handle::HubHandle;
pub(crate) use inspect::{
    LiveSession, MembershipSpan, PresenceAt, RoomList, RoomOrder, RoomPlace, RoomQuery, RoomSnapshot,
    SessionFilter,
};
pub(crate) use local::{Joined, LocalHub, RegistrationHandle, Spliced};
pub use metrics::HubMetrics;
pub use outbox::{Delivery, Outbox, OutboxLimits};
pub(crate) use outbox::{LatestKey, OutboxStream, Progress, Pushed};
pub(crate) use presence::has_presence;
pub(crate) use probe::HubProbe;
pub(crate) use publisher::Followed;
pub use publisher::HubPublisher;
pub(crate) use recorder::{FrameSeen, Recorded, Recorder};
pub(crate) use registration::Evict;
pub use registration::{Closing, Credentials, Registration, Viewing};
pub(crate) use relay::Relayed;
pub(crate) use user_limit::{LimitError, UserPermit};
