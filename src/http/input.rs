//! Request body types that several features share.

use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Timestamp;
use crate::domain::Error;
pub(crate) use crate::domain::money::MoneyInput;
use crate::domain::money::{Currency, PriceRange};
use crate::domain::place::{InvalidPoint, Point};
use crate::domain::requests::Reason;
use crate::domain::slot::{InvalidSlot, Slot};

/// A price range; either limit may be absent.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceRangeInput {
    /// Minor units.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub(crate) min: Option<i64>,
    /// Minor units; not less than `min`.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub(crate) max: Option<i64>,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    #[schema(value_type = Currency)]
    pub(crate) currency: String,
}

impl PriceRangeInput {
    /// Parses the range; the error names the wrong part and what it must be.
    pub(crate) fn parse(&self) -> Result<PriceRange, String> {
        let currency: Currency = self.currency.parse().map_err(|error| format!("currency {error}"))?;
        PriceRange::new(self.min, self.max, currency).map_err(|error| error.to_string())
    }
}

/// A span of time `[start, end)`.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlotInput {
    /// The start.
    pub(crate) start: Timestamp,
    /// The end, exclusive.
    pub(crate) end: Timestamp,
}

impl SlotInput {
    /// Parses the slot, whose end must be after its start.
    pub(crate) fn parse(self) -> Result<Slot, InvalidSlot> {
        Slot::new(self.start, self.end)
    }
}

/// A reason.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonInput {
    /// 1 to 500 characters.
    #[schema(value_type = Reason)]
    pub(crate) reason: String,
}

impl ReasonInput {
    /// Parses the reason; the error is one of the field `reason`.
    pub(crate) fn parse(&self) -> Result<Reason, Error> {
        Reason::parse(&self.reason).map_err(|error| Error::invalid("reason", error))
    }
}

/// A reason in the query, for calls without a body.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReasonQuery {
    /// Why, for the audit trail: 1 to 500 characters.
    #[param(value_type = Option<Reason>)]
    reason: Option<String>,
}

impl ReasonQuery {
    /// Parses the reason, if there is one; the error is one of the field `reason`.
    pub(crate) fn parse(&self) -> Result<Option<Reason>, Error> {
        let reason = self.reason.as_deref().map(Reason::parse).transpose();
        reason.map_err(|error| Error::invalid("reason", error))
    }
}

/// Coordinates.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PointInput {
    /// Degrees north, -90 to 90.
    #[schema(minimum = -90, maximum = 90)]
    pub(crate) latitude: f64,
    /// Degrees east, -180 to 180.
    #[schema(minimum = -180, maximum = 180)]
    pub(crate) longitude: f64,
}

impl PointInput {
    /// Parses the point, which must be within the ranges of latitude and longitude.
    pub(crate) fn parse(self) -> Result<Point, InvalidPoint> {
        Point::new(self.latitude, self.longitude)
    }
}

/// Distinguishes a field that is null (clear it) from one that is absent (leave it unchanged).
///
/// For `#[serde(default, deserialize_with = "nullable")]` on an `Option<Option<T>>`.
pub(crate) fn nullable<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
