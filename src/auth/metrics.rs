//! Metrics of authentication: refused tokens by reason, sign-ins by kind and outcome, and lookups of tokens that were
//! checked a moment ago.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// The counters of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    refused_tokens: IntCounterVec,
    bursts: IntCounter,
    sign_ins: IntCounterVec,
    pub(super) cache: CacheMetrics,
}

/// The counters of the cache of checked tokens.
#[derive(Clone, Debug)]
pub(super) struct CacheMetrics {
    lookups: IntCounterVec,
    hits: IntCounter,
    misses: IntCounter,
    stale: IntCounter,
}

/// How a lookup of a token ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lookup {
    /// It is known and good.
    Hit,
    /// It is not known.
    Miss,
    /// It was known, and something ended or changed since, or its time is over.
    Stale,
}

impl CacheMetrics {
    fn new() -> prometheus::Result<Self> {
        let help = "Lookups of tokens among those that were checked a moment ago, by how they ended: all but hits \
                    ask the database";
        let lookups = IntCounterVec::new(Opts::new("souk_token_cache_lookups_total", help), &["outcome"])?;
        let of = |outcome| lookups.get_metric_with_label_values(&[outcome]);
        Ok(Self { hits: of("hit")?, misses: of("miss")?, stale: of("stale")?, lookups })
    }

    pub(super) fn count(&self, lookup: Lookup) {
        match lookup {
            Lookup::Hit => &self.hits,
            Lookup::Miss => &self.misses,
            Lookup::Stale => &self.stale,
        }
        .inc();
    }
}

impl Metrics {
    pub(crate) fn new() -> prometheus::Result<Self> {
        Ok(Self {
            refused_tokens: IntCounterVec::new(
                Opts::new("souk_auth_refusals_total", "Tokens refused, by the rule that they broke"),
                &["reason"],
            )?,
            bursts: IntCounter::new(
                "souk_auth_refusal_bursts_total",
                "Times that an address was refused 30 times within a minute: tokens and passwords",
            )?,
            sign_ins: IntCounterVec::new(
                Opts::new("souk_sign_ins_total", "Registrations, logins and refreshes, by how they ended"),
                &["kind", "outcome"],
            )?,
            cache: CacheMetrics::new()?,
        })
    }

    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.refused_tokens.clone()))?;
        registry.register(Box::new(self.bursts.clone()))?;
        registry.register(Box::new(self.cache.lookups.clone()))?;
        registry.register(Box::new(self.sign_ins.clone()))
    }

    pub(crate) fn refused(&self, reason: &str) {
        self.refused_tokens.with_label_values(&[reason]).inc();
    }

    pub(crate) fn burst(&self) {
        self.bursts.inc();
    }

    pub(crate) fn signed_in(&self, kind: &str, outcome: &str) {
        self.sign_ins.with_label_values(&[kind, outcome]).inc();
    }
}
