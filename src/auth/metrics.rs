//! Metrics of authentication: refused tokens by reason, and sign-ins by kind and outcome.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// The counters of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    refused_tokens: IntCounterVec,
    bursts: IntCounter,
    sign_ins: IntCounterVec,
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
        })
    }

    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.refused_tokens.clone()))?;
        registry.register(Box::new(self.bursts.clone()))?;
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
