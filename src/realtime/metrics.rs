//! The Prometheus metrics of live connections.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};

use crate::protocol::close::CloseReason;
use crate::protocol::{Command, ErrorCode, Notice};
use crate::telemetry::register_live;

use super::admission::AddressLimiter;
use super::engineio::Engine;

/// The metrics of handshakes and sessions; the hub counts deliveries to rooms.
#[derive(Debug, Clone)]
pub(crate) struct RealtimeMetrics {
    connections: IntGauge,
    handshakes: IntCounterVec,
    closes: IntCounterVec,
    commands: IntCounterVec,
    malformed: IntCounterVec,
    notices: IntCounterVec,
    ack_seconds: Histogram,
}

/// Upper bounds of the buckets of times to an answer, in seconds.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

impl RealtimeMetrics {
    /// Registers all of them.
    ///
    /// # Errors
    /// Only if two metrics have the same name, which a test would find.
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let connections = IntGauge::new("souk_realtime_connections", "Sessions that are open")?;
        registry.register(Box::new(connections.clone()))?;
        let ack_seconds = Histogram::with_opts(
            HistogramOpts::new("souk_realtime_ack_seconds", "Time from a command to its acknowledgement")
                .buckets(SECONDS.to_vec()),
        )?;
        registry.register(Box::new(ack_seconds.clone()))?;
        let counters = |name: &str, help: &str, label: &str| -> prometheus::Result<IntCounterVec> {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            Ok(counters)
        };
        Ok(Self {
            ack_seconds,
            connections,
            handshakes: counters(
                "souk_realtime_handshakes_total",
                "WebSocket handshakes, by what became of them: accepted, throttled, or why refused",
                "outcome",
            )?,
            closes: counters(
                "souk_realtime_closes_total",
                "Sessions that ended, by why: client, or our reason",
                "reason",
            )?,
            commands: counters("souk_realtime_commands_total", "Commands carried out, by type", "type")?,
            malformed: counters("souk_realtime_malformed_total", "Messages that were none, by code", "code")?,
            notices: counters(
                "souk_realtime_notices_total",
                "What sessions told their clients, by type; events of rooms are counted as deliveries",
                "type",
            )?,
        })
    }

    /// Counts a session as open until the returned value is dropped.
    pub(super) fn opened(&self) -> Open {
        self.handshakes.with_label_values(&["accepted"]).inc();
        self.connections.inc();
        Open(self.connections.clone())
    }

    pub(super) fn throttled(&self) {
        self.handshakes.with_label_values(&["throttled"]).inc();
    }

    pub(super) fn refused(&self, reason: CloseReason) {
        self.handshakes.with_label_values(&[reason.name()]).inc();
    }

    pub(super) fn closed(&self, reason: Option<CloseReason>) {
        self.closes.with_label_values(&[reason.map_or("client", CloseReason::name)]).inc();
    }

    pub(super) fn received(&self, command: &Command) {
        self.commands.with_label_values(&[command.name()]).inc();
    }

    pub(super) fn malformed(&self, code: ErrorCode) {
        self.malformed.with_label_values(&[code.name()]).inc();
    }

    pub(super) fn acknowledged(&self, after: Duration) {
        self.ack_seconds.observe(after.as_secs_f64());
    }

    pub(super) fn sent(&self, notice: &Notice) {
        self.notices.with_label_values(&[notice.name()]).inc();
    }
}

/// Registers gauges of the connections below sessions: unauthenticated ones, and those of Engine.IO, which
/// may be in no namespace.
///
/// # Errors
/// Only if two metrics have the same name, which a test would find.
pub(super) fn watch(
    registry: &Registry,
    addresses: &AddressLimiter,
    engine: &Engine,
) -> prometheus::Result<()> {
    let (addresses, sockets, polling) = (addresses.clone(), engine.clone(), engine.clone());
    let help = "Connections that have not authenticated, or were refused and have not gone yet";
    register_live(registry, "souk_realtime_unauthenticated", help, move || addresses.pending())?;
    let help = "Engine.IO connections, in a namespace or not";
    register_live(registry, "souk_realtime_engineio_connections", help, move || sockets.connections())?;
    let help = "Engine.IO connections that began with polling";
    register_live(registry, "souk_realtime_engineio_polling", help, move || polling.polled())
}

/// Counts as an open session until dropped.
#[derive(Debug)]
pub(super) struct Open(IntGauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
