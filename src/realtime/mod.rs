//! Live connections: who is connected, what they hear, and what they may say.
//!
//! Transports carry bytes, dialects turn them into commands and notices, a session's logic decides, handlers call the same
//! use cases as REST, and the hub hands events to members. What the marketplace does is not decided here.

pub mod close;
pub mod hub;
pub mod protocol;
pub mod transport;
