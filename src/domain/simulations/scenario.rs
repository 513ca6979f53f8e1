//! Input of a simulation. It determines the result, whenever and wherever it is run.

use crate::domain::money::Money;
use crate::domain::place::Point;
use crate::ids::{Category, SimulationId};
use crate::simulation::Capacity;

/// Input of a simulation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scenario {
    /// The market to simulate.
    pub(crate) category: Category,
    /// Initial price.
    pub(crate) base_price: Money,
    /// What others charge on average; the base price if `None`.
    pub(crate) reference: Option<Reference>,
    /// Whose history counts; the whole category's if `None`.
    pub(crate) area: Option<Area>,
    /// How many bookings the provider can take; any number if `None`.
    pub(crate) capacity: Option<Capacity>,
    /// Number of steps, each a day.
    pub(crate) steps: Steps,
    /// Number of independent runs.
    pub(crate) runs: Runs,
    /// Seed of the random number generator.
    pub(crate) seed: Seed,
}

/// A neighbourhood: a point and a distance around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    point: Point,
    radius_km: u16,
}

/// The radius is not one of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("radius_km must be 25, 50, 100 or 250")]
pub(crate) struct InvalidRadius;

/// Mean radius of the earth in kilometres (IUGG).
const EARTH: f64 = 6_371.009;

impl Area {
    /// Few radii, and centres on a grid of a tenth of a degree (about 10 km), so that areas that differ by one
    /// request are hard to find.
    pub(crate) fn new(point: Point, radius_km: u32) -> Result<Self, InvalidRadius> {
        let radius_km = u16::try_from(radius_km).ok();
        let radius_km = radius_km.filter(|radius| [25, 50, 100, 250].contains(radius));
        Ok(Self { point: point.to_tenths(), radius_km: radius_km.ok_or(InvalidRadius)? })
    }

    /// The centre.
    pub(crate) fn point(self) -> Point {
        self.point
    }

    /// Kilometres around it.
    pub(crate) fn radius_km(self) -> u16 {
        self.radius_km
    }

    /// Whether a place lies within, by the great-circle distance (haversine) of its rough point, which is no more
    /// than everybody may know. A place without coordinates does not.
    pub(super) fn contains(self, latitude: Option<f64>, longitude: Option<f64>) -> bool {
        let Ok(Some(place)) = Point::from_parts(latitude, longitude) else { return false };
        let (latitude, longitude) = (place.roughly().latitude(), place.roughly().longitude());
        let (from, to) = (self.point.latitude().to_radians(), latitude.to_radians());
        let across = ((longitude - self.point.longitude()).to_radians() / 2.0).sin().powi(2);
        let h = ((to - from) / 2.0).sin().powi(2) + from.cos() * to.cos() * across;
        2.0 * EARTH * h.sqrt().min(1.0).asin() <= f64::from(self.radius_km)
    }
}

/// Number of steps of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps(u16);

/// The number of steps is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {} steps", Steps::MAX)]
pub(crate) struct InvalidStepCount;

impl Steps {
    /// A month, unless the caller says otherwise.
    pub(crate) const DEFAULT: Self = Self(30);
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

/// Number of independent runs of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Runs(u16);

/// The number of runs is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {} to {} runs", Runs::MIN, Runs::MAX)]
pub(crate) struct InvalidRunCount;

impl Runs {
    /// A variance takes two.
    pub(crate) const MIN: u16 = 2;
    /// The standard error is then a hundredth of the spread between runs.
    pub(crate) const MAX: u16 = 10_000;
    /// Unless the caller says otherwise.
    pub(crate) const DEFAULT: Self = Self(1_000);

    /// From [`Runs::MIN`] to [`Runs::MAX`].
    pub(crate) fn new(runs: u32) -> Result<Self, InvalidRunCount> {
        let runs = u16::try_from(runs).ok().filter(|runs| (Self::MIN..=Self::MAX).contains(runs));
        runs.map(Self).ok_or(InvalidRunCount)
    }

    /// The number of runs.
    pub(crate) fn get(self) -> u16 {
        self.0
    }
}

/// What others charge on average: minor units of the base price's currency, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference(i64);

/// The reference price cannot be compared with the base price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be more than 0, in the currency of base_price")]
pub(crate) struct InvalidReference;

impl Reference {
    /// A price above zero in the currency of the base price.
    pub(crate) fn new(price: Money, base: Money) -> Result<Self, InvalidReference> {
        let fits = price.amount() > 0 && price.currency() == base.currency();
        fits.then_some(Self(price.amount())).ok_or(InvalidReference)
    }

    /// The price in minor units.
    pub(crate) fn amount(self) -> i64 {
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
    fn an_area_is_a_circle_on_a_sphere() {
        let berlin = Area::new(Point::new(52.52, 13.405).unwrap(), 50).unwrap();
        assert!(berlin.contains(Some(52.39), Some(13.07)), "Potsdam");
        assert!(!berlin.contains(Some(53.55), Some(9.99)), "Hamburg");
        assert!(!berlin.contains(None, Some(13.4)));
        let fiji = Area::new(Point::new(-17.0, 179.99).unwrap(), 25).unwrap();
        assert!(fiji.contains(Some(-17.0), Some(-179.99)), "beyond the date line");
        let door = berlin.point().latitude() + 50.0 / 111.195;
        let edge = |offset: f64| berlin.contains(Some(door + offset), Some(13.4));
        assert_eq!(edge(0.0), edge(0.000_01), "no circle tells one door from the next");
        assert_eq!(Area::new(berlin.point(), 26), Err(InvalidRadius));
        assert_eq!(Area::new(berlin.point(), 65_541), Err(InvalidRadius));
    }

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
    fn runs_are_counted_from_two_to_ten_thousand() {
        assert_eq!(Runs::new(2).map(Runs::get), Ok(2));
        assert_eq!(Runs::new(10_000).map(Runs::get), Ok(10_000));
        for wrong in [0, 1, 10_001, 65_538] {
            assert_eq!(Runs::new(wrong), Err(InvalidRunCount));
        }
        assert_eq!(InvalidRunCount.to_string(), "must be 2 to 10000 runs");
    }

    #[test]
    fn an_id_has_one_seed() {
        let id: SimulationId = "01890a5d-ac96-774b-bcce-b3021234fedc".parse().unwrap();
        assert_eq!(Seed::of(id), Seed(0xcdef_4321));
    }
}
