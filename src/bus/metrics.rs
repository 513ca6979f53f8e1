//! The bus's Prometheus metrics.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// The bus's metrics, each registered once.
#[derive(Clone)]
pub(crate) struct BusMetrics {
    pub(super) up: IntGauge,
    pub(super) published: IntCounter,
    pub(super) received: IntCounter,
    /// Messages that were not sent or not taken, by reason.
    pub(super) dropped: IntCounterVec,
}

impl BusMetrics {
    /// Registers all of them.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let up = IntGauge::new("souk_bus_up", "1 while Redis is connected, 0 while it is not")?;
        let published = IntCounter::new("souk_bus_published_total", "Messages published to Redis")?;
        let received =
            IntCounter::new("souk_bus_received_total", "Messages of other nodes taken from Redis")?;
        let dropped = Opts::new("souk_bus_dropped_total", "Messages not sent or not taken, by reason");
        let dropped = IntCounterVec::new(dropped, &["reason"])?;
        registry.register(Box::new(up.clone()))?;
        registry.register(Box::new(published.clone()))?;
        registry.register(Box::new(received.clone()))?;
        registry.register(Box::new(dropped.clone()))?;
        for reason in Dropped::ALL {
            dropped.with_label_values(&[reason.name()]);
        }
        Ok(Self { up, published, received, dropped })
    }

    /// Counts messages that were not sent since too many waited already.
    pub(crate) fn backlogged(&self) -> IntCounter {
        self.dropped.with_label_values(&[Dropped::Backlog.name()])
    }

    pub(super) fn drop(&self, reason: Dropped, messages: usize) {
        self.dropped.with_label_values(&[reason.name()]).inc_by(messages as u64);
    }
}

/// Why a message went no further.
#[derive(Clone, Copy)]
pub(super) enum Dropped {
    /// Redis was not connected.
    Away,
    /// Too many waited to be sent.
    Backlog,
    /// It could not be written as JSON, or is too large.
    Unsendable,
    /// More arrived than were taken.
    Full,
    /// It is not what this version knows.
    Unreadable,
    /// It is from a node that the database does not know.
    Stranger,
}

impl Dropped {
    const ALL: [Self; 6] =
        [Self::Away, Self::Backlog, Self::Unsendable, Self::Full, Self::Unreadable, Self::Stranger];

    fn name(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Backlog => "backlog",
            Self::Unsendable => "unsendable",
            Self::Full => "full",
            Self::Unreadable => "unreadable",
            Self::Stranger => "stranger",
        }
    }
}
