//! Metrics of text generation: how many began, how they ended, and how long users waited for the first piece.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use tokio::time::Instant;

use super::slots::GenerationSlots;
use crate::telemetry::register_live;

/// The metrics of one server's generators.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    started: IntCounterVec,
    finished: IntCounterVec,
    first_piece: HistogramVec,
}

/// Upper bounds of the buckets in seconds: from an embedded generator to a model that is loaded first.
const SECONDS: [f64; 11] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

impl Metrics {
    /// Registers all of them, and gauges of the slots.
    pub(super) fn new(registry: &Registry, slots: &GenerationSlots) -> prometheus::Result<Self> {
        let started = IntCounterVec::new(
            Opts::new("souk_generations_started_total", "Generations of texts that began"),
            &["generator", "task"],
        )?;
        let finished = IntCounterVec::new(
            Opts::new(
                "souk_generations_finished_total",
                "Generations of texts that ended: complete, cancelled, or by the code of their failure",
            ),
            &["generator", "task", "outcome"],
        )?;
        let first_piece = HistogramVec::new(
            HistogramOpts::new("souk_generation_first_piece_seconds", "Time until a text's first piece")
                .buckets(SECONDS.to_vec()),
            &["generator"],
        )?;
        registry.register(Box::new(started.clone()))?;
        registry.register(Box::new(finished.clone()))?;
        registry.register(Box::new(first_piece.clone()))?;
        let (running, waiting) = (slots.clone(), slots.clone());
        let help = "Generations that hold a slot";
        register_live(registry, "souk_generations_running", help, move || running.running())?;
        let help = "Callers in line for a slot";
        register_live(registry, "souk_generations_waiting", help, move || waiting.waiting())?;
        Ok(Self { started, finished, first_piece })
    }

    /// Counts a generation as begun, and as cancelled unless it is told how it ended.
    pub(super) fn begin(&self, generator: &'static str, task: &'static str) -> Measured {
        self.started.with_label_values(&[generator, task]).inc();
        let began = Instant::now();
        Measured { metrics: self.clone(), generator, task, began, has_piece: false, outcome: "cancelled" }
    }
}

/// A generation that is being measured.
#[derive(Debug)]
pub(super) struct Measured {
    metrics: Metrics,
    generator: &'static str,
    task: &'static str,
    began: Instant,
    has_piece: bool,
    outcome: &'static str,
}

impl Measured {
    pub(super) fn piece(&mut self) {
        if !std::mem::replace(&mut self.has_piece, true) {
            let took = self.began.elapsed().as_secs_f64();
            self.metrics.first_piece.with_label_values(&[self.generator]).observe(took);
        }
    }

    pub(super) fn end(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        self.metrics.finished.with_label_values(&[self.generator, self.task, self.outcome]).inc();
    }
}
