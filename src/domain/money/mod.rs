//! Money: integer minor units and an ISO 4217 code. Never a float, never an amount without its currency.

mod currency;

pub(crate) use currency::Currency;

/// An amount of money that somebody asks or pays: never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Money {
    /// Minor units: cents of a euro, whole yen.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    amount: i64,
    /// ISO 4217 code.
    currency: Currency,
}

/// An amount of money as clients write it.
#[derive(Clone, Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoneyInput {
    /// Minor units, such as cents.
    #[schema(example = 4900)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub(crate) amount: i64,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    #[schema(value_type = Currency)]
    pub(crate) currency: String,
}

impl MoneyInput {
    /// Parses the amount; the error names the wrong part and what it must be.
    pub(crate) fn parse(&self) -> Result<Money, String> {
        let currency: Currency = self.currency.parse().map_err(|error| format!("currency {error}"))?;
        Money::new(self.amount, currency).map_err(|error| format!("amount {error}"))
    }
}

/// Maximum of one amount in minor units: above any realistic price, and small enough that the sum of a page
/// cannot overflow.
const MAX: i64 = 1_000_000_000_000;

/// The number is negative or above the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 0 to {MAX} minor units")]
pub struct InvalidAmount;

fn amount(amount: i64) -> Result<i64, InvalidAmount> {
    (0..=MAX).contains(&amount).then_some(amount).ok_or(InvalidAmount)
}

impl Money {
    /// An amount in minor units, from 0 to 10^12.
    pub(crate) fn new(minor_units: i64, currency: Currency) -> Result<Self, InvalidAmount> {
        Ok(Self { amount: amount(minor_units)?, currency })
    }

    /// The amount in minor units.
    pub(crate) fn amount(self) -> i64 {
        self.amount
    }

    /// ISO 4217 code.
    pub(crate) fn currency(self) -> Currency {
        self.currency
    }
}

/// What somebody wants to spend, or what something costs: from, to, either end open, in one currency.
///
/// There is always a currency, since it is also the one that answers must come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PriceRange {
    /// Minor units.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    min: Option<i64>,
    /// Minor units; not less than `min`.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    max: Option<i64>,
    /// ISO 4217 code.
    currency: Currency,
}

/// Why a price range was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPriceRange {
    /// A bound is not a valid amount.
    #[error(transparent)]
    Amount(#[from] InvalidAmount),
    /// The lower bound is above the upper one.
    #[error("max must not be less than min")]
    Reversed,
}

impl PriceRange {
    /// A range with bounds in minor units; `None` leaves an end open.
    pub fn new(min: Option<i64>, max: Option<i64>, currency: Currency) -> Result<Self, InvalidPriceRange> {
        let (min, max) = (min.map(amount).transpose()?, max.map(amount).transpose()?);
        match (min, max) {
            (Some(min), Some(max)) if max < min => Err(InvalidPriceRange::Reversed),
            _ => Ok(Self { min, max, currency }),
        }
    }

    /// Lower bound in minor units; `None` if open.
    pub(crate) fn min(self) -> Option<i64> {
        self.min
    }

    /// Upper bound in minor units; `None` if open.
    pub(crate) fn max(self) -> Option<i64> {
        self.max
    }

    /// ISO 4217 code.
    pub(crate) fn currency(self) -> Currency {
        self.currency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_neither_negative_nor_absurd() {
        let euro: Currency = "EUR".parse().unwrap();
        assert_eq!(Money::new(0, euro).unwrap().amount(), 0);
        assert_eq!(Money::new(-1, euro), Err(InvalidAmount));
        assert_eq!(Money::new(i64::MAX, euro), Err(InvalidAmount));
    }

    #[test]
    fn a_range_may_be_open_but_not_reversed() {
        let euro: Currency = "EUR".parse().unwrap();
        assert!(PriceRange::new(None, None, euro).is_ok());
        assert!(PriceRange::new(Some(5), Some(5), euro).is_ok());
        assert_eq!(PriceRange::new(Some(6), Some(5), euro), Err(InvalidPriceRange::Reversed));
        assert!(PriceRange::new(Some(-6), None, euro).is_err());
    }

    #[test]
    fn money_is_written_in_minor_units() {
        let price = Money::new(12_50, "EUR".parse().unwrap()).unwrap();
        assert_eq!(serde_json::to_string(&price).unwrap(), r#"{"amount":1250,"currency":"EUR"}"#);
    }
}
