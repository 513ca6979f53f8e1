//! Accepted TCP connections: each has one descriptor, which the web server reads and writes and others may shut, and a
//! bound on every way in which its client can keep the server waiting.
//!
//! actix-web bounds the first head of a connection and its keep-alive. It waits for ever for the rest of a later head, for
//! a chunked body that no handler reads, and for a client that does not take its answer.

mod exchange;
mod handle;
mod phase;
mod serve;
mod stream;

pub use handle::TcpHandle;
pub use phase::Timeouts;
pub use serve::{ServeOptions, SocketOptions, serve};
