//! The simulation against closed forms, and its independence of threads.

use super::*;

fn parameters(seed: u64) -> Parameters {
    Parameters {
        base_price: 5_000,
        reference_price: 5_000,
        steps: 5,
        runs: 400,
        seed,
        capacity: None,
        market: Market::default(),
    }
}

/// Without rivals, at the reference price: acceptance is one half, whatever the request.
fn fixed_acceptance(seed: u64) -> Parameters {
    let market = Market { rivals_per_request: 0.0, ..Market::default() };
    Parameters { market, ..parameters(seed) }
}

fn computed(parameters: Parameters, threads: usize) -> Tally {
    let mut blocks = start(parameters, threads).unwrap();
    let mut tally = Tally::default();
    while let Some(block) = blocks.blocking_recv() {
        tally.merge(&block);
    }
    tally
}

/// A day has room for one booking, and offers are accepted as in [`fixed_acceptance`]: one booking a day with
/// the probability that at least one is accepted.
fn one_a_day(seed: u64) -> Parameters {
    let capacity = Some(Capacity { per_step: 1, when_full: WhenFull::Decline });
    Parameters { capacity, steps: 20, ..fixed_acceptance(seed) }
}

fn contains(estimate: Estimate, value: f64) -> bool {
    (estimate.low..=estimate.high).contains(&value)
}

/// For how many of a hundred seeds the reported interval holds the value.
fn hits(value: f64, estimate: impl Fn(&Outcome) -> Estimate) -> usize {
    hits_of(fixed_acceptance, value, estimate)
}

fn hits_of(scenario: fn(u64) -> Parameters, value: f64, estimate: impl Fn(&Outcome) -> Estimate) -> usize {
    let outcomes = (0..100).map(|seed| {
        let parameters = scenario(seed);
        computed(parameters, 1).outcome(&parameters)
    });
    outcomes.filter(|outcome| contains(estimate(outcome), value)).count()
}

#[test]
fn the_result_is_the_same_to_the_last_bit_on_any_number_of_threads() {
    let parameters = Parameters { runs: 1_003, ..parameters(7) };
    let json = |threads| serde_json::to_string(&computed(parameters, threads).outcome(&parameters)).unwrap();
    let alone = json(1);
    assert_eq!(json(2), alone);
    assert_eq!(json(4), alone);
    let other = Parameters { seed: 8, ..parameters };
    assert_ne!(serde_json::to_string(&computed(other, 1).outcome(&other)).unwrap(), alone);
}

/// Bookings of a run are Poisson distributed with the mean 5 steps × 2 requests × 1/2 = 5, which is also the
/// variance.
#[test]
fn closed_forms_lie_within_the_intervals() {
    let mean = hits(5.0, |outcome| outcome.bookings.mean);
    assert!(mean >= 90, "{mean}");
    let variance = hits(5.0, |outcome| outcome.bookings.variance);
    assert!(variance >= 90, "{variance}");
    let revenue = hits(25_000.0, |outcome| outcome.revenue.mean);
    assert!(revenue >= 90, "{revenue}");
    let of_revenue = hits(125_000_000.0, |outcome| outcome.revenue.variance);
    assert!(of_revenue >= 90, "{of_revenue}");
}

/// Bookings of a run are binomially distributed: 20 days, and 1 − exp(−2 × 1/2) on each.
#[test]
fn closed_forms_hold_for_a_bounded_day() {
    let taken = 1.0 - (-1.0_f64).exp();
    let mean = hits_of(one_a_day, 20.0 * taken, |outcome| outcome.bookings.mean);
    assert!(mean >= 90, "{mean}");
    let variance = hits_of(one_a_day, 20.0 * taken * (1.0 - taken), |outcome| outcome.bookings.variance);
    assert!(variance >= 90, "{variance}");
}

#[test]
fn what_is_deferred_is_booked_later_and_never_more_than_fits() {
    let of = |when_full| {
        let capacity = Some(Capacity { per_step: 1, when_full });
        let parameters = Parameters { capacity, steps: 100, ..fixed_acceptance(4) };
        computed(parameters, 1).outcome(&parameters)
    };
    let (declined, deferred) = (of(WhenFull::Decline), of(WhenFull::Defer));
    for (declined, deferred) in declined.acceptance.iter().zip(&deferred.acceptance) {
        assert_eq!(declined.accepted, deferred.accepted, "the same consumers");
        assert!(deferred.mean_bookings <= 100.0);
        assert!(deferred.mean_bookings >= declined.mean_bookings, "{deferred:?}");
        let accepted = deferred.accepted as f64 / 400.0;
        assert!(deferred.mean_bookings <= accepted + 1e-9);
    }
    assert!(deferred.bookings.mean.value > declined.bookings.mean.value + 10.0);
    let roomy = Some(Capacity { per_step: 1_000, when_full: WhenFull::Decline });
    let unbounded = fixed_acceptance(4);
    let bounded = Parameters { capacity: roomy, ..unbounded };
    assert_eq!(computed(bounded, 1), computed(unbounded, 1), "a bound that is never reached changes nothing");
}

#[test]
fn a_biased_estimator_would_be_noticed() {
    let biased = |estimate: Estimate, factor: f64| {
        let moved = estimate.value * (factor - 1.0);
        Estimate { low: estimate.low + moved, high: estimate.high + moved, ..estimate }
    };
    let mean = hits(5.0, |outcome| biased(outcome.bookings.mean, 1.06));
    assert!(mean < 90, "{mean}");
    let variance = hits(5.0, |outcome| biased(outcome.bookings.variance, 1.2));
    assert!(variance < 90, "{variance}");
}

#[test]
fn acceptance_follows_the_logistic_function() {
    let parameters = Parameters { runs: 10_000, steps: 10, ..fixed_acceptance(3) };
    let outcome = computed(parameters, 2).outcome(&parameters);
    let mut before = 1.0;
    for point in &outcome.acceptance {
        let expected = 1.0 / (1.0 + (-5.0 * (1.0 - point.percent as f64 / 100.0)).exp());
        let rate = point.rate.unwrap();
        assert!((rate - expected).abs() < 0.006, "{point:?} instead of {expected}");
        assert!(point.low < rate && rate < point.high && rate < before, "{point:?}");
        before = rate;
    }
    let base = outcome.acceptance.iter().find(|point| point.percent == 100).unwrap();
    assert!((base.mean_revenue - outcome.revenue.mean.value).abs() < 1e-6);
}

#[test]
fn rivals_and_higher_prices_cost_bookings() {
    let bookings = |parameters: Parameters| computed(parameters, 1).outcome(&parameters).bookings.mean.value;
    let usual = bookings(parameters(1));
    assert!(usual < bookings(fixed_acceptance(1)));
    assert!(bookings(Parameters { base_price: 6_000, ..parameters(1) }) < usual);
}

#[test]
fn a_histogram_counts_every_run_once_in_bins_of_equal_width() {
    for (steps, runs) in [(1, 2), (5, 400), (300, 200)] {
        let parameters = Parameters { steps, runs, ..parameters(5) };
        let outcome = computed(parameters, 1).outcome(&parameters);
        for quantity in [&outcome.bookings, &outcome.revenue] {
            let bins = &quantity.histogram;
            assert_eq!(bins.iter().map(|bin| bin.runs).sum::<u32>(), runs);
            assert!((1..=20).contains(&bins.len()), "{bins:?}");
            assert!(bins.windows(2).all(|pair| pair[1].from - pair[0].from == bins[1].from - bins[0].from));
            assert!(bins.windows(2).all(|pair| pair[0].to < pair[1].from), "{bins:?}");
        }
    }
}

#[test]
fn wilson_intervals_are_those_of_the_textbook() {
    let near = |found: (f64, f64), expected: (f64, f64)| {
        assert!((found.0 - expected.0).abs() < 5e-4 && (found.1 - expected.1).abs() < 5e-4, "{found:?}");
    };
    near(tally::wilson(5, 10), (0.2366, 0.7634));
    near(tally::wilson(0, 10), (0.0, 0.2775));
    near(tally::wilson(81, 263), (0.2553, 0.3662));
    assert_eq!(tally::wilson(0, 0), (0.0, 1.0));
}

#[test]
fn threads_end_when_nobody_waits_for_them() {
    let parameters = Parameters { steps: 1_000, runs: 10_000, ..parameters(1) };
    let mut blocks = start(parameters, 2).unwrap();
    assert!(blocks.blocking_recv().unwrap().runs() > 0);
    blocks.close();
    let rest = std::iter::from_fn(|| blocks.blocking_recv()).count();
    assert!(rest <= 4, "{rest} blocks after the end");
}
