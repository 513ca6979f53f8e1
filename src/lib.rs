//! # ARCHITECTURE
//!
//! Souk is the realtime backend of a services marketplace: consumers post requests, providers answer with offers, an
//! accepted offer becomes a booking, both sides chat, and everybody sees it live. One process, one file to run.
//!
//! ```text
//!        REST (actix-web)            WebSocket, Socket.IO
//!              │                           │            dialects: bytes ⇄ Command / Notice (closed enums)
//!              │                     session actor ── authenticates, then ──► room hub ──► one local hub a thread
//!              ▼                           ▼                                     ▲            │ encoded frames
//!        ┌──────────── use cases: domain/<feature>/service.rs ─────────────┐     │            ▼
//!        │  policy: Authorized<T>   state tables   repositories (Diesel)   │     │         outboxes
//!        └────────────────────────────────┬────────────────────────────────┘     │
//!                             unit of work = one transaction:                    │
//!                        rows + events (seq per room) + audit +  ── commit ──────┘ events, rights that ended
//!                               idempotency record
//!                                         │
//!                       SQLite file (default) │ PostgreSQL
//! ```
//!
//! ## Two rings
//!
//! Inside, [`domain`]: what the marketplace does, by feature, in plain synchronous functions. Outside, by layer, how the
//! world talks to it: [`http`], [`realtime`]. Both use the same noun for the same thing: offers are `domain/offers/`,
//! `http/api/offers/`, `tests/integration/http/offers.rs`.
//!
//! The modules below stand in order: each may use only what stands below it. `tests/architecture.rs` checks that for every
//! file, and that no files import each other in a circle; `docs/architecture.md` says what each room is for.
//!
//! ## What always holds
//!
//! - **A change and its event commit together.** A use case gets a [`db::UnitOfWork`]; what it records is appended
//!   to the event log in the same transaction, and leaves the process only after the commit. An answer too: whatever was
//!   acknowledged is on disk, and a crash in between loses nothing, since whoever reconnects reads the log.
//! - **Only the policy makes an [`Authorized`](domain::policy::Authorized) row**, and repositories' writes accept nothing
//!   else: forgetting the check does not compile. An admin's passing is a value that writes its own audit row.
//! - **A state changes only by its table.** `allowed_actions`, the rights matrix and the services read the same rows.
//! - **Positions within a room have no gaps**, and every member gets every event strictly by `seq`: once, in order.
//! - **Nothing is unbounded and nothing is lost silently**: full queues, slow readers and overload have typed outcomes
//!   that the client is told of, and a way to recover.
//! - **Nobody is anonymous.** There is no demo user and no fallback identity, anywhere.
//! - **Time is a parameter** ([`clock::Clock`]), configuration is read once ([`config`]), there are no globals.
//!
//! ## What is deliberately absent
//!
//! No consensus and no node-to-node protocol of our own: the event log is the truth, and every node can read it. No
//! asynchronous database driver: use cases are synchronous and run off the event loop. No `serde_json::Value` past an
//! edge. No ORM entities shared between rings.
//!
//! ## Where to start reading
//!
//! Follow one write: `http/api/offers/actions.rs` (accept) → `http/idempotency.rs` → `domain/offers/accept.rs` →
//! [`domain::policy`] → [`db::UnitOfWork`] → `db/write.rs` → [`events::Publisher`] → [`hub`]. `docs/architecture.md` walks
//! through this and two others, file by file.

pub mod cli;
pub mod server;
pub mod realtime;
pub mod http;
pub(crate) mod health;
pub mod app;
pub(crate) mod nodes;
pub mod hub;
pub mod protocol;
pub mod auth;
pub mod bus;
pub(crate) mod jobs;
pub mod domain;
pub mod db;
pub mod events;
pub mod generation;
pub mod simulation;
pub mod config;
pub mod telemetry;
pub mod limits;
pub mod json;
pub mod secret;
pub mod ids;
pub mod clock;
