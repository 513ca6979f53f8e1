//! The edge of live connections: transports, admission, sessions, and the handlers of their commands.
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
//! No rule of the marketplace is decided here, and nothing here waits for a client: output that is not taken
//! is bounded, and a client that does not read is disconnected.

mod gateway;
mod limits;
mod routes;
mod target;
pub mod admission;
pub mod connection;
pub mod websocket;
pub mod engineio;
pub mod socketio;
pub(crate) mod session;
pub(crate) mod handlers;
mod rooms;
mod metrics;

pub(crate) use gateway::Gateway;
pub(crate) use routes::routes;
