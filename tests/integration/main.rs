//! Souk driven through its front door: a real server on a real port and a fresh database, by clients that know nothing
//! of its insides. Every test runs on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod abuse;
mod authorization;
mod command_line;
mod database;
mod durability;
mod http;
mod realtime;
mod settings;
mod support;
mod sweeper;
mod user_commands;
