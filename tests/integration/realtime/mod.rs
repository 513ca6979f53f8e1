//! Live connections.

mod board;
mod chat;
mod clients;
mod conversations;
mod dialects;
mod endpoints;
mod engineio;
mod handshake;
mod load_test;
mod people;
mod rights;
mod rooms;
mod session;
mod socketio;
mod stopping;
mod wire;
