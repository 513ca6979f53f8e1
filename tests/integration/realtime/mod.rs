//! Live connections.

mod chat;
mod handshake;
mod people;
mod rooms;
mod session;
mod stopping;
mod wire;
