//! Live connections: who is connected, what they hear, and what they may say.
//!
//! ```text
//!  handshake ── admission ──► session actor ◄── transport: frames in, outbox out
//!      │ refused: upgraded and     │ dialect: text → Command, Notice → frame
//!      ▼ closed with its code      ▼
//!  close table                handlers ──► use cases of the domain, as REST calls them
//!                                  │ join: policy, hub, log
//!                                  ▼
//!                                 hub ──► outboxes of all members
//! ```
//!
//! What the marketplace does is not decided here, and nothing here waits for a client: what cannot be written
//! is bounded, and who does not read is cut off.

pub mod protocol;
pub mod close;
pub mod transport;
mod admission;
mod boards;
mod gateway;
mod purpose;
mod routes;
pub mod socketio;
pub mod session;
pub mod handlers;
mod rooms;
pub mod hub;
mod metrics;

pub use boards::{Boards, ClientId};
pub use gateway::Gateway;
pub use metrics::RealtimeMetrics;
pub use routes::routes;
