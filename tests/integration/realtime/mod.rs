//! Live connections.

mod board;
mod boards;
mod chat;
mod clients;
mod conversations;
mod dialects;
mod fixtures;
mod endpoints;
mod engineio;
mod handshake;
mod load_test;
mod reflections;
mod replicas;
mod rights;
mod rooms;
mod session;
mod simulations;
mod socketio;
mod stopping;
mod protocol_violations;
