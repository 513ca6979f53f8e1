//! Who hears what: membership and order of rooms, the outboxes of sessions, and who must go.
//!
//! Two levels. One **RoomHub** actor keeps membership and order and encodes each notice once per dialect. One **LocalHub**
//! per worker thread puts the encoded frames into the outboxes of the sessions on its thread, watches that they are read
//! and that clients are alive, and evicts. Nothing here decides who may join: policy does, before it asks the hub.

mod config;
mod outbox;

pub use config::HubConfig;
pub use outbox::{Delivery, LatestKey, Outbox, OutboxLimits, OutboxStream, Progress, Pushed};
