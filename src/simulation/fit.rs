//! Fits the model of choice to what consumers chose (conditional logit; McFadden 1974).

use super::parameters::{HIGHEST, Market};

/// One request that was decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Choice {
    /// The prices that were offered, as fractions of the reference price.
    pub(crate) prices: Vec<f64>,
    /// Index of the offer that was taken; `None` if nobody was hired.
    pub(crate) taken: Option<usize>,
}

/// The estimates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    /// See [`Market::appeal`].
    pub(crate) appeal: f64,
    /// See [`Market::sensitivity`].
    pub(crate) sensitivity: f64,
}

/// Standard deviations of the prior, a normal distribution around the defaults. It is wide: a few dozen choices
/// outweigh it. It keeps the estimates finite where all offers below some price were taken and none above.
const PRIOR: [f64; 2] = [2.0, 5.0];

/// Newton's method needs about ten steps.
const STEPS: usize = 100;

/// The most probable appeal and sensitivity. Higher prices are never preferred: where they seem to be, the
/// sensitivity is 0, and the appeal the most probable one with that.
pub(crate) fn fit(choices: &[Choice]) -> Fit {
    let Market { appeal, sensitivity, .. } = Market::default();
    let free = highest(choices, [appeal, sensitivity], Posterior::newton);
    // The posterior is concave, so its highest point among those that are allowed is on their edge.
    let [appeal, sensitivity] = match free {
        [_, sensitivity] if sensitivity < 0.0 => highest(choices, [appeal, 0.0], Posterior::newton_of_appeal),
        free => free,
    };
    Fit { appeal, sensitivity }
}

/// Climbs from a point to the highest one.
fn highest(choices: &[Choice], from: [f64; 2], newton: impl Fn(&Posterior) -> Option<[f64; 2]>) -> [f64; 2] {
    let Market { appeal, sensitivity, .. } = Market::default();
    let center = [appeal, sensitivity];
    let mut at = from;
    let mut here = posterior(choices, center, at);
    for _ in 0..STEPS {
        let Some(mut step) = newton(&here) else { break };
        // The posterior is concave, so a short enough step goes up.
        let next = loop {
            let next = [at[0] + step[0], at[1] + step[1]];
            let there = posterior(choices, center, next);
            if there.log >= here.log {
                break Some((next, there));
            }
            step = step.map(|part| part / 2.0);
            if step.iter().all(|part| part.abs() < 1e-9) {
                break None;
            }
        };
        let Some((next, there)) = next else { break };
        (at, here) = (next, there);
        if step.iter().all(|part| part.abs() < 1e-9) {
            break;
        }
    }
    at
}

/// The logarithm of the posterior density, up to a constant, with its derivatives.
struct Posterior {
    log: f64,
    gradient: [f64; 2],
    /// The negative Hessian: positive definite.
    information: [[f64; 2]; 2],
}

impl Posterior {
    /// The step of Newton's method.
    fn newton(&self) -> Option<[f64; 2]> {
        let [[a, b], [_, d]] = self.information;
        let [x, y] = self.gradient;
        let determinant = a * d - b * b;
        let step = [(d * x - b * y) / determinant, (a * y - b * x) / determinant];
        step.iter().all(|part| part.is_finite()).then_some(step)
    }

    /// The step of Newton's method for the appeal alone.
    fn newton_of_appeal(&self) -> Option<[f64; 2]> {
        let step = self.gradient[0] / self.information[0][0];
        step.is_finite().then_some([step, 0.0])
    }
}

fn posterior(choices: &[Choice], center: [f64; 2], at: [f64; 2]) -> Posterior {
    let [appeal, sensitivity] = at;
    let precision = PRIOR.map(|deviation| 1.0 / (deviation * deviation));
    let off = [at[0] - center[0], at[1] - center[1]];
    let mut sum = Posterior {
        log: -0.5 * (precision[0] * off[0] * off[0] + precision[1] * off[1] * off[1]),
        gradient: [-precision[0] * off[0], -precision[1] * off[1]],
        information: [[precision[0], 0.0], [0.0, precision[1]]],
    };
    for choice in choices {
        let discounts = choice.prices.iter().map(|price| 1.0 - price.clamp(0.0, HIGHEST));
        let offers: Vec<(f64, f64)> = discounts.map(|x| (x, appeal + sensitivity * x)).collect();
        // Hiring nobody has the worth exp(0). The largest exponent is taken out, so that none overflows.
        let largest = offers.iter().map(|(_, worth)| *worth).fold(0.0, f64::max);
        let total = (-largest).exp() + offers.iter().map(|(_, worth)| (worth - largest).exp()).sum::<f64>();
        // Moments of the features (1, x) of the offer that is taken; both are 0 if nobody is hired.
        let (mut any, mut mean, mut square) = (0.0, 0.0, 0.0);
        for (x, worth) in &offers {
            let share = (worth - largest).exp() / total;
            any += share;
            mean += share * x;
            square += share * x * x;
        }
        let (chosen, worth) = match choice.taken.and_then(|index| offers.get(index)) {
            Some((x, worth)) => ([1.0, *x], *worth),
            None => ([0.0, 0.0], 0.0),
        };
        sum.log += worth - largest - total.ln();
        sum.gradient[0] += chosen[0] - any;
        sum.gradient[1] += chosen[1] - mean;
        sum.information[0][0] += any - any * any;
        sum.information[0][1] += mean - any * mean;
        sum.information[1][0] += mean - any * mean;
        sum.information[1][1] += square - mean * mean;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::*;

    /// Requests with this many offers at random prices, decided by consumers who follow the model.
    fn decided(seed: u64, requests: u32, offers: usize, appeal: f64, sensitivity: f64) -> Vec<Choice> {
        let mut random = Random::of_run(seed, 0);
        let mut decide = || {
            let prices: Vec<f64> = (0..offers).map(|_| 0.6 + 0.8 * random.uniform()).collect();
            let worth = prices.iter().map(|price| (appeal + sensitivity * (1.0 - price)).exp());
            let worth: Vec<f64> = worth.collect();
            let mut mood = random.uniform() * (1.0 + worth.iter().sum::<f64>());
            let taken = worth.iter().position(|worth| {
                mood -= worth;
                mood < 0.0
            });
            Choice { prices, taken }
        };
        (0..requests).map(|_| decide()).collect()
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn what_consumers_follow_is_found_again() {
        for (offers, appeal, sensitivity) in [(1, 0.0, 5.0), (1, 1.0, 2.0), (3, -1.0, 8.0), (3, 0.5, 0.5)] {
            let fits: Vec<Fit> =
                (0..50).map(|seed| fit(&decided(seed, 500, offers, appeal, sensitivity))).collect();
            let found = mean(&fits.iter().map(|fit| fit.appeal).collect::<Vec<_>>());
            assert!((found - appeal).abs() < 0.15, "appeal {found} instead of {appeal}");
            let found = mean(&fits.iter().map(|fit| fit.sensitivity).collect::<Vec<_>>());
            assert!((found - sensitivity).abs() < 0.3, "sensitivity {found} instead of {sensitivity}");
        }
    }

    #[test]
    fn the_fit_is_where_the_density_is_highest() {
        let choices = decided(3, 60, 2, 0.3, 4.0);
        let best = fit(&choices);
        let center = [0.0, 5.0];
        let density = |appeal, sensitivity| posterior(&choices, center, [appeal, sensitivity]).log;
        let highest = density(best.appeal, best.sensitivity);
        for (appeal, sensitivity) in [(0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01), (0.01, 0.01)] {
            assert!(density(best.appeal + appeal, best.sensitivity + sensitivity) < highest);
        }
    }

    #[test]
    fn nothing_seen_leaves_the_defaults_and_extremes_stay_finite() {
        assert_eq!(fit(&[]), Fit { appeal: 0.0, sensitivity: 5.0 });
        let separated: Vec<Choice> = (0..200)
            .map(|i| Choice { prices: vec![f64::from(i) / 100.0], taken: (i < 100).then_some(0) })
            .collect();
        let sharp = fit(&separated);
        assert!(sharp.sensitivity > 10.0 && sharp.sensitivity < 100.0, "{sharp:?}");
        let absurd = vec![Choice { prices: vec![1e300, f64::MIN_POSITIVE], taken: Some(0) }; 1_000];
        let found = fit(&absurd);
        assert!(found.appeal.is_finite() && found.sensitivity >= 0.0, "{found:?}");
        let dearer_is_better = vec![Choice { prices: vec![0.5, 1.5], taken: Some(1) }; 50];
        assert!(fit(&dearer_is_better).sensitivity.abs() < f64::EPSILON);
        // Far from the reference price, where the appeal of the free optimum would be absurd.
        let upwards =
            |i: u32| Choice { prices: vec![1.8 + f64::from(i) / 250.0], taken: (i >= 50).then_some(0) };
        let found = fit(&(0..100).map(upwards).collect::<Vec<_>>());
        assert!(
            found.sensitivity.abs() < f64::EPSILON && found.appeal.abs() < 0.05,
            "half were taken: {found:?}"
        );
    }
}
