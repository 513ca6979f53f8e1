//! What is simulated. The same scenario gives the same result, whenever and wherever it is run.

use crate::domain::money::Money;
use crate::ids::{Category, SimulationId};

/// What is simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// In which market.
    pub category: Category,
    /// Where prices start.
    pub base_price: Money,
    /// How long.
    pub steps: Steps,
    /// What chance begins with.
    pub seed: Seed,
}

/// How many steps a simulation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps(u16);

/// The number is no count of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {} steps", Steps::MAX)]
pub struct InvalidStepCount;

impl Steps {
    /// More say nothing that fewer would not.
    pub const MAX: u16 = 1000;

    /// 1 to 1,000.
    pub fn new(steps: u32) -> Result<Self, InvalidStepCount> {
        let steps = u16::try_from(steps).ok().filter(|steps| (1..=Self::MAX).contains(steps));
        steps.map(Self).ok_or(InvalidStepCount)
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// What chance begins with. 32 bits, which every client's numbers hold exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u32);

impl Seed {
    /// For who does not care: taken from the random tail of the simulation's id, so that no other chance is needed.
    pub fn of(id: SimulationId) -> Self {
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
