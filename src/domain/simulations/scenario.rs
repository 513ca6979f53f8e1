//! Input of a simulation. It determines the result, whenever and wherever it is run.

use crate::domain::money::Money;
use crate::ids::{Category, SimulationId};

/// Input of a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scenario {
    /// The market to simulate.
    pub(crate) category: Category,
    /// Initial price.
    pub(crate) base_price: Money,
    /// Number of steps.
    pub(crate) steps: Steps,
    /// Seed of the random number generator.
    pub(crate) seed: Seed,
}

/// Number of steps of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps(u16);

/// The number of steps is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {} steps", Steps::MAX)]
pub(crate) struct InvalidStepCount;

impl Steps {
    /// More would add nothing to the result.
    pub(crate) const MAX: u16 = 1000;

    /// From 1 to [`Steps::MAX`].
    pub(crate) fn new(steps: u32) -> Result<Self, InvalidStepCount> {
        let steps = u16::try_from(steps).ok().filter(|steps| (1..=Self::MAX).contains(steps));
        steps.map(Self).ok_or(InvalidStepCount)
    }

    /// The number of steps.
    pub(crate) fn get(self) -> u16 {
        self.0
    }
}

/// Seed of the random number generator. 32 bits, which JavaScript's numbers represent exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u32);

impl Seed {
    /// The default seed: taken from the random part of the simulation's id, so that no other source of
    /// randomness is needed.
    pub(crate) fn of(id: SimulationId) -> Self {
        let digits = id.as_str().bytes().rev().take(8).filter_map(|digit| char::from(digit).to_digit(16));
        Self(digits.fold(0, |seed, digit| seed << 4 | digit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_from_one_to_a_thousand() {
        assert_eq!(Steps::new(1).map(Steps::get), Ok(1));
        assert_eq!(Steps::new(1000).map(Steps::get), Ok(1000));
        for wrong in [0, 1001, 65_537] {
            assert_eq!(Steps::new(wrong), Err(InvalidStepCount));
        }
        assert_eq!(InvalidStepCount.to_string(), "must be 1 to 1000 steps");
    }

    #[test]
    fn an_id_has_one_seed() {
        let id: SimulationId = "01890a5d-ac96-774b-bcce-b3021234fedc".parse().unwrap();
        assert_eq!(Seed::of(id), Seed(0xcdef_4321));
    }
}
