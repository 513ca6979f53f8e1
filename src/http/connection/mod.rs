//! Accepted TCP connections: each has one descriptor, which actix-web reads and writes until the connection is upgraded
//! and a handle may close, and a timeout on every way in which its client can keep the server waiting. Nothing here knows of
//! routes or of the content of requests, except that the refusal of a request head gets a problem document.
//!
//! actix-web itself bounds the first request head of a connection, and the keep-alive. Without a timeout it
//! waits for the rest of a later head, for a chunked body that no handler reads, and for a client that does
//! not read its response.

mod exchange;
mod handle;
mod once;
mod phase;
mod permits;
mod refused_head;
mod serve;
mod stream;
mod upgraded;

pub(crate) use handle::TcpHandle;
pub(crate) use permits::SURPLUS;
pub(crate) use phase::Timeouts;
pub(crate) use serve::SocketOptions;
pub use serve::{ServeOptions, serve};
