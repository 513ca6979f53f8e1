//! The test harness: a real server on a free port with a fresh database, and the clients and users that call
//! it.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "a harness offers more than the tests of the moment use"
)]

mod app;
mod cast;
mod client;
mod contract;
mod deals;
mod fixtures;
mod engine;
mod eventually;
pub mod fetched;
mod issuer;
mod keys;
mod lost_answers;
pub mod model_server;
pub mod postgres;
mod process;
mod external_client;
mod raw;
mod redis;
mod scratch;
mod silent_proxy;
mod socket;
mod socketio;

pub use app::{JOURNAL_KEY, JWT_SECRET, TestApp, run, run_on};
pub use cast::{PASSWORD, Person};
pub use client::{Answer, Call, Client};
pub use contract::CONTRACT;
pub use deals::{ADDRESS, id, usual_request};
pub use engine::{Database, Engine, german_postgres, own_postgres, sqlite_to_be};
pub use eventually::eventually;
pub use external_client::{ExternalClient, Library, Transports};
pub use issuer::{ISS, Issuer};
pub use keys::TestKey;
pub use lost_answers::LostAnswers;
pub use process::{Process, refused};
pub use raw::{Raw, frame, masked, stalled};
pub use redis::Redis;
pub use scratch::kill_afterwards;
pub use silent_proxy::SilentProxy;
pub use socket::{Closed, Socket};
pub use socketio::SocketIo;
