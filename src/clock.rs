//! Time as a parameter: every component that needs "now" holds a [`Clock`], so tests can move it.
//!
//! `jiff::Timestamp::now` and `std::time::SystemTime::now` are clippy errors everywhere else.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::BigInt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC with microsecond precision.
///
/// Stored as `BIGINT` microseconds since the Unix epoch in both databases, written as RFC 3339 on the wire.
/// The field is private, so that no value exists that RFC 3339 cannot express.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = BigInt)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch, earlier than anything that Souk records.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// From microseconds since the Unix epoch; `None` outside of the years 1 to 9999.
    pub(crate) fn from_micros(micros: i64) -> Option<Self> {
        jiff::Timestamp::from_microsecond(micros).ok()?;
        (micros >= MIN_MICROS).then_some(Self(micros))
    }

    /// From whole seconds since the Unix epoch (RFC 7519 `NumericDate`).
    pub(crate) fn from_seconds(seconds: i64) -> Option<Self> {
        Self::from_micros(seconds.checked_mul(1_000_000)?)
    }

    /// Microseconds since the Unix epoch.
    pub(crate) fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down (RFC 7519 `NumericDate`).
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment plus `duration`, clamped to the latest moment instead of overflowing.
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros).min(MAX_MICROS))
    }

    /// This moment minus `duration`, clamped to the earliest moment.
    pub fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros).max(MIN_MICROS))
    }

    /// The midnight (UTC) at which this day began.
    pub(crate) fn start_of_day(self) -> Self {
        Self(self.0 - self.0.rem_euclid(DAY_MICROS)).max(Self(MIN_MICROS))
    }

    /// The midnight (UTC) at which this day ends.
    pub(crate) fn end_of_day(self) -> Self {
        Self((self.start_of_day().0 + DAY_MICROS).min(MAX_MICROS))
    }

    /// How long after `earlier` this moment is; zero when it is not after.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

const DAY_MICROS: i64 = 86_400_000_000;
const MIN_MICROS: i64 = -62_135_596_800_000_000;
const MAX_MICROS: i64 = 253_402_207_200_000_000 - 1;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(at) => write!(f, "{at:.6}"),
            Err(_) => f.write_str("9999-12-30T22:00:00.000000Z"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is not an RFC 3339 date and time with an offset.
#[derive(Debug, thiserror::Error)]
#[error("must be an RFC 3339 time such as 2026-05-01T09:30:00Z")]
pub struct InvalidTimestamp;

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let at: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        Self::from_micros(at.as_microsecond()).ok_or(InvalidTimestamp)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<DB: diesel::backend::Backend> FromSql<BigInt, DB> for Timestamp
where
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let micros = i64::from_sql(bytes)?;
        Self::from_micros(micros).ok_or_else(|| format!("{micros} is no moment in time").into())
    }
}

impl<DB: diesel::backend::Backend> ToSql<BigInt, DB> for Timestamp
where
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)))
            .description(Some("RFC 3339, UTC"))
            .into()
    }
}

impl utoipa::ToSchema for Timestamp {}

/// The source of "now": the system clock, a clock that a test sets, or the system clock plus an offset that a
/// test sets.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
    /// Offset from the system clock in microseconds, never negative.
    Ahead(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `at` until [`Clock::advance`] moves it.
    pub fn manual(at: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(at.0))))
    }

    /// The system clock plus an offset that [`Clock::advance`] increases: for tests of a whole server, where
    /// time must pass and a month must not take one.
    pub fn movable() -> Self {
        Self(Source::Ahead(Arc::default()))
    }

    /// The current moment.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => system(),
            Source::Manual(micros) => Timestamp(micros.load(Ordering::SeqCst)),
            Source::Ahead(by) => system().plus(micros(by.load(Ordering::SeqCst))),
        }
    }

    /// Moves a manual or movable clock forward. Does nothing to a system clock.
    pub fn advance(&self, by: Duration) {
        let hand = match &self.0 {
            Source::System => return,
            Source::Manual(hand) => hand,
            Source::Ahead(hand) => hand,
        };
        hand.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that asks the system")]
fn system() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

fn micros(count: i64) -> Duration {
    Duration::from_micros(u64::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_as_it_was_written() {
        let at: Timestamp = "2026-05-01T11:30:00.25+02:00".parse().unwrap();
        assert_eq!(at.to_string(), "2026-05-01T09:30:00.250000Z");
        assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2026-05-01", "2026-13-01T00:00:00Z", "2026-05-01T09:30:00"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight() {
        for (at, midnight) in [
            ("2026-11-25T23:59:59.999999Z", "2026-11-25T00:00:00Z"),
            ("2026-11-25T00:00:00Z", "2026-11-25T00:00:00Z"),
            ("1969-12-31T12:00:00Z", "1969-12-31T00:00:00Z"),
        ] {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!(at.start_of_day(), midnight.parse().unwrap());
            assert_eq!(at.end_of_day().since(at.start_of_day()), Duration::from_secs(86_400));
        }
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        let end = Timestamp::EPOCH.plus(Duration::MAX);
        assert_eq!(end.plus(Duration::from_secs(1)).to_string(), end.to_string());
        assert!(Timestamp::from_micros(end.as_micros()).is_some());
        let start = Timestamp::EPOCH.minus(Duration::MAX);
        assert!(Timestamp::from_micros(start.as_micros()).is_some());
        assert_eq!(start.since(end), Duration::ZERO);
    }
}
