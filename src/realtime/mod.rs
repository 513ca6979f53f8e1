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

mod gateway;
mod limits;
mod routes;
mod target;
pub mod admission;
pub mod connection;
pub mod websocket;
pub mod engineio;
pub mod socketio;
pub mod session;
pub mod handlers;
mod rooms;
mod metrics;

pub use gateway::Gateway;
pub use metrics::RealtimeMetrics;
pub use routes::routes;
