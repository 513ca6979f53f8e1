//! Live connections.

mod answer_lines;
mod answers;
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
mod masterplans;
mod older_systems;
mod reflections;
mod refusals;
mod replicas;
mod rights;
mod rooms;
mod session;
mod simulations;
mod socketio;
mod statements;
mod stopping;
mod protocol_violations;
