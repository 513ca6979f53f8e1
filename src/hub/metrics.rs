//! The hub's Prometheus metrics.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// The hub's metrics, each registered once.
#[derive(Clone)]
pub struct HubMetrics {
    pub(super) sessions: IntGauge,
    pub(super) rooms: IntGauge,
    pub(super) memberships: IntGauge,
    pub(super) deliveries: IntCounter,
    /// Frames that were not delivered, by kind: droppable frames dropped because the client is slow, and
    /// latest-wins frames replaced by a newer one.
    pub(super) dropped: IntCounterVec,
    pub(super) evictions: IntCounterVec,
    pub(super) aborts: IntCounter,
    pub(super) gap_reads: IntCounter,
    pub(super) catch_ups: IntCounter,
    /// Messages to rooms that a worker with too much to do refused; events among them are read from the log.
    pub(super) refused: IntCounterVec,
    pub(super) busy: IntCounter,
    /// Bytes that wait for clients, as of the last second.
    pub(super) outbox_bytes: IntGauge,
}

impl HubMetrics {
    /// Registers all of them.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let counter = |name: &str, help: &str| -> Result<IntCounter, prometheus::Error> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let counters = |name: &str, help: &str, label: &str| -> Result<IntCounterVec, prometheus::Error> {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            Ok(counters)
        };
        Ok(Self {
            sessions: gauge("souk_hub_sessions", "Live sessions")?,
            rooms: gauge("souk_hub_rooms", "Rooms with members")?,
            memberships: gauge("souk_hub_memberships", "Memberships of sessions in rooms")?,
            deliveries: counter("souk_hub_deliveries_total", "Frames put into outboxes")?,
            dropped: counters("souk_hub_dropped_total", "Frames that did not go out, by kind", "kind")?,
            evictions: counters("souk_hub_evictions_total", "Sessions made to leave, by reason", "reason")?,
            aborts: counter(
                "souk_hub_cuts_total",
                "Sockets shut because a session did not leave when asked",
            )?,
            gap_reads: counter("souk_hub_log_reads_total", "Reads of events that did not come in order")?,
            catch_ups: counter("souk_hub_catch_ups_total", "Times that all rooms caught up from the log")?,
            refused: counters(
                "souk_hub_refused_total",
                "Messages that a busy worker refused, by kind",
                "kind",
            )?,
            busy: counter("souk_hub_busy_total", "Commands answered busy")?,
            outbox_bytes: gauge(
                "souk_hub_outbox_bytes",
                "Bytes that wait for clients, as of the last second",
            )?,
        })
    }
}
