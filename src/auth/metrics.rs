//! Metrics of authentication: refused tokens by reason, and sign-ins by kind and outcome.

use prometheus::{IntCounterVec, Opts, Registry};

/// The counters of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    refused_tokens: IntCounterVec,
    sign_ins: IntCounterVec,
}

impl Metrics {
    pub(crate) fn new() -> prometheus::Result<Self> {
        Ok(Self {
            refused_tokens: IntCounterVec::new(
                Opts::new("souk_tokens_refused_total", "Tokens refused, by the rule that they broke"),
                &["reason"],
            )?,
            sign_ins: IntCounterVec::new(
                Opts::new("souk_sign_ins_total", "Registrations, logins and refreshes, by how they ended"),
                &["kind", "outcome"],
            )?,
        })
    }

    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.refused_tokens.clone()))?;
        registry.register(Box::new(self.sign_ins.clone()))
    }

    pub(crate) fn refused(&self, reason: &str) {
        self.refused_tokens.with_label_values(&[reason]).inc();
    }

    pub(crate) fn signed_in(&self, kind: &str, outcome: &str) {
        self.sign_ins.with_label_values(&[kind, outcome]).inc();
    }
}
