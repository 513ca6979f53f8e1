//! Input of simulations as clients write it, the same over REST and live.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::money::{Money, MoneyInput};
use crate::domain::place::{InvalidPoint, Point};
use crate::domain::{Error, Fields};
use crate::ids::Category;
use crate::simulation::{Capacity, WhenFull};

use super::market::{Observation, Sample};
use super::{Area, NewSimulation, Reference, Runs, Seed, SimulationLimits, Steps};

/// A new simulation.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateSimulation)]
pub(crate) struct SimulationInput {
    /// The market's category.
    #[schema(value_type = Category)]
    category: String,
    /// The provider's price.
    base_price: MoneyInput,
    /// What others charge on average, in the same currency. If absent: what the sample or the marketplace's history
    /// says, or else the base price.
    reference_price: Option<MoneyInput>,
    /// Only requests around here count as history; the whole category if absent.
    place: Option<AreaInput>,
    /// How many bookings the provider can take; any number if absent.
    slots: Option<SlotsInput>,
    /// Offers of the provider's own and whether they were accepted, instead of the marketplace's history.
    sample: Option<SampleInput>,
    /// Days of a run: 1 to 1,000, and at most what the plan allows; 30 if absent.
    #[schema(minimum = 1, maximum = 1_000)]
    steps: Option<u32>,
    /// Independent runs: 2 to 10,000, and at most what the plan allows; 1,000 if absent.
    #[schema(minimum = 2, maximum = 10_000)]
    runs: Option<u32>,
    /// The seed of the random numbers; generated if absent.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 4_294_967_295_i64)]
    seed: Option<u32>,
}

/// A neighbourhood.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SimulationPlace)]
struct AreaInput {
    /// Degrees north; rounded to a tenth.
    #[schema(minimum = -90, maximum = 90)]
    latitude: f64,
    /// Degrees east; rounded to a tenth.
    #[schema(minimum = -180, maximum = 180)]
    longitude: f64,
    /// Kilometres around the point: 25, 50, 100 or 250.
    #[schema(example = 25)]
    radius_km: u32,
}

/// How many bookings a provider can take.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SimulationSlots)]
struct SlotsInput {
    /// Bookings of a day.
    #[schema(minimum = 1, maximum = 100)]
    per_day: u32,
    /// What becomes of an offer that is accepted on a full day: `decline` loses it, `defer` books it on the first
    /// day that is not full. `decline` if absent.
    #[schema(pattern = "^(decline|defer)$")]
    when_full: Option<String>,
}

/// Offers whose outcome is known.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SimulationSample)]
struct SampleInput {
    /// Requests of a day; 2 if absent.
    #[schema(exclusive_minimum = 0, maximum = 100)]
    requests_per_day: Option<f64>,
    /// 10 to 1,000 offers.
    #[schema(min_items = 10, max_items = 1_000)]
    observations: Vec<ObservationInput>,
}

/// An offer and its outcome.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SimulationObservation)]
struct ObservationInput {
    /// Minor units of the base price's currency.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    price: i64,
    /// Whether the consumer accepted it.
    accepted: bool,
}

impl SimulationInput {
    /// Parses everything; the error has one entry for each wrong field.
    pub(crate) fn parse(self, limits: &SimulationLimits) -> Result<NewSimulation, Error> {
        let mut fields = Fields::default();
        let category = fields.take("category", self.category.parse::<Category>());
        let base_price = fields.take("base_price", self.base_price.parse());
        let reference = self.reference_price.as_ref().zip(base_price);
        let reference = fields
            .take_optional("reference_price", reference.map(|(given, base)| reference_price(given, base)));
        let area = fields.take_optional("place", self.place.map(AreaInput::parse));
        let capacity = fields.take_optional("slots", self.slots.map(|slots| slots.parse()));
        let sample = self.sample.zip(base_price).map(|(sample, base)| sample.parse(base));
        let sample = fields.take_optional("sample", sample);
        let steps = self.steps.unwrap_or_else(|| limits.steps.min(Steps::DEFAULT.get().into()));
        let steps =
            fields.take("steps", at_most(steps, limits.steps).and_then(|()| Steps::new(steps).map_err(text)));
        let runs = self.runs.unwrap_or_else(|| limits.runs.min(Runs::DEFAULT.get().into()));
        let runs =
            fields.take("runs", at_most(runs, limits.runs).and_then(|()| Runs::new(runs).map_err(text)));
        let seed = self.seed.map(Seed);
        let new = || {
            Some(NewSimulation {
                category: category?,
                base_price: base_price?,
                reference: reference?,
                area: area?,
                capacity: capacity?,
                sample: sample?,
                steps: steps?,
                runs: runs?,
                seed,
            })
        };
        fields.finish(new())
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The plan's limit. What no plan allows is told by the type.
fn at_most(given: u32, limit: u32) -> Result<(), String> {
    if given <= limit { Ok(()) } else { Err(format!("must be at most {limit} on your plan")) }
}

fn reference_price(given: &MoneyInput, base: Money) -> Result<Reference, String> {
    Reference::new(given.parse()?, base).map_err(text)
}

impl AreaInput {
    fn parse(self) -> Result<Area, String> {
        let point = Point::new(self.latitude, self.longitude).map_err(|error: InvalidPoint| text(error))?;
        Area::new(point, self.radius_km).map_err(text)
    }
}

impl SlotsInput {
    fn parse(self) -> Result<Capacity, String> {
        if !(1..=100).contains(&self.per_day) {
            return Err("per_day must be 1 to 100".to_owned());
        }
        let when_full = match self.when_full.as_deref() {
            None | Some("decline") => WhenFull::Decline,
            Some("defer") => WhenFull::Defer,
            Some(_) => return Err("when_full must be decline or defer".to_owned()),
        };
        Ok(Capacity { per_step: self.per_day, when_full })
    }
}

impl SampleInput {
    fn parse(self, base: Money) -> Result<Sample, String> {
        let observation = |given: ObservationInput| {
            let price = Money::new(given.price, base.currency()).map_err(|error| format!("price {error}"))?;
            Ok::<_, String>(Observation { price: price.amount(), accepted: given.accepted })
        };
        let observations = self.observations.into_iter().map(observation).collect::<Result<_, _>>()?;
        Sample::new(self.requests_per_day, observations).map_err(text)
    }
}
