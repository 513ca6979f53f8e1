//! Souk through its public interfaces: a real server on a real port with a fresh database, and clients that
//! know nothing of its internals. Every test runs on SQLite and on PostgreSQL, unless the engine does not
//! matter.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod abuse;
mod adopt_conversations;
mod authorization;
mod cluster;
mod cluster_auth;
mod command_line;
mod dashboard;
mod database;
mod deploy;
mod durability;
mod entries_at_rest;
mod generation;
mod http;
mod realtime;
mod settings;
mod support;
mod sweeper;
mod user_commands;
mod verify;
