//! Live connections.

mod chat;
mod clients;
mod dialects;
mod engineio;
mod handshake;
mod people;
mod rooms;
mod session;
mod socketio;
mod stopping;
mod wire;
