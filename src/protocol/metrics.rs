//! What a server tells admins of its own load.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::clock::Timestamp;

/// A server's counters and gauges at a moment. Counters count since its start, so that a client that misses a snapshot
/// loses nothing: it compares any two.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MetricsSnapshot {
    /// When it was taken.
    pub(crate) at: Option<Timestamp>,
    /// Seconds since the server started.
    pub(crate) uptime: u64,
    /// Live sessions.
    pub(crate) connections: u64,
    /// Rooms with members.
    pub(crate) rooms: u64,
    /// Frames put into outboxes.
    pub(crate) deliveries: u64,
    /// Commands carried out.
    pub(crate) commands: u64,
    /// Commands that were acknowledged.
    pub(crate) acks: u64,
    /// Commands that were acknowledged within at most so many seconds, as in `http_seconds`.
    pub(crate) ack_seconds: Vec<(Option<f64>, u64)>,
    /// Bytes that wait for clients.
    pub(crate) outbox_bytes: u64,
    /// Units of work that wait for a connection to the database.
    pub(crate) connection_waiting: u64,
    /// Writes that are not committed yet.
    pub(crate) commit_waiting: u64,
    /// Transactions that were committed.
    pub(crate) commits: u64,
    /// Writes that were committed in them.
    pub(crate) committed_writes: u64,
    /// Frames that did not go out to slow clients: dropped, or replaced by a newer state.
    pub(crate) dropped: u64,
    /// Sessions closed since their client did not read.
    pub(crate) slow_consumers: u64,
    /// Commands answered `busy`.
    pub(crate) busy: u64,
    /// Refused tokens, logins and handshakes, by reason.
    pub(crate) refusals: BTreeMap<String, u64>,
    /// Bursts of refusals, by reason.
    pub(crate) refusal_bursts: u64,
    /// HTTP requests by class of status, such as `2xx`.
    pub(crate) http: BTreeMap<String, u64>,
    /// HTTP requests that took at most so many seconds: pairs of bound and count, both growing; the last bound is
    /// absent and counts all.
    pub(crate) http_seconds: Vec<(Option<f64>, u64)>,
    /// Due work that the sweeper could not do.
    pub(crate) sweep_failures: u64,
    /// Texts that are being written.
    pub(crate) generations_running: u64,
    /// Texts that wait to be written.
    pub(crate) generations_waiting: u64,
    /// Bytes of SQLite's write-ahead log; 0 on PostgreSQL.
    pub(crate) wal_bytes: u64,
    /// Seconds of processor time that the process has used.
    pub(crate) cpu_seconds: f64,
    /// Resident memory in bytes.
    pub(crate) memory_bytes: u64,
    /// Open file descriptors.
    pub(crate) open_files: u64,
}
