//! Simulated runs per second on 1 and 2 threads, beside the bare sampling loop: one uniform number and one
//! comparison for each request, without rivals, prices and threads.
//!
//! `cargo bench --bench simulation`. Machines are noisy: only the ratios within one run are meaningful.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a program for people at a terminal"
)]

use std::hint::black_box;
use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use souk::simulation::{Market, Parameters, Tally, start};

const RUNS: u32 = 10_000;
const STEPS: u32 = 100;

fn main() {
    let market = Market::default();
    let parameters = Parameters {
        base_price: 5_000,
        reference_price: 5_000,
        steps: STEPS,
        runs: RUNS,
        seed: 1,
        capacity: None,
        market,
    };
    let began = Instant::now();
    let mut random = SmallRng::seed_from_u64(1);
    let requests = f64::from(STEPS) * market.requests_per_step;
    let accepted: u32 =
        (0..RUNS).flat_map(|_| 0..requests as u32).map(|_| u32::from(random.random::<f64>() < 0.3)).sum();
    black_box(accepted);
    report("bare loop", began);
    for threads in [1, 2] {
        let began = Instant::now();
        let mut blocks = start(parameters, threads).unwrap();
        let mut tally = Tally::default();
        while let Some(block) = blocks.blocking_recv() {
            tally.merge(&block);
        }
        black_box(tally.outcome(&parameters));
        report(&format!("{threads} thread(s)"), began);
    }
}

fn report(what: &str, began: Instant) {
    let per_second = f64::from(RUNS) / began.elapsed().as_secs_f64();
    println!("{what:<12} {per_second:>12.0} runs/s of {STEPS} steps");
}
