//! Claims that our own and outside tokens share, and the checks of a token's lifetime.

use std::time::Duration;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use crate::auth::error::{AuthError, TokenRefusal};
use crate::clock::Timestamp;

/// The claims that bound a token in time. Absent and mistyped ones are distinguished from expired ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetime {
    pub(crate) exp: Option<NumericDate>,
    pub(crate) nbf: Option<NumericDate>,
    pub(crate) iat: Option<NumericDate>,
}

impl Lifetime {
    /// When the token expires, if it is valid at `now`. `overtime` is the tolerance after `exp`, `ahead` the
    /// tolerance for `nbf` and `iat` of an issuer whose clock is ahead of ours.
    pub(crate) fn check(
        &self,
        now: Timestamp,
        overtime: Duration,
        ahead: Duration,
    ) -> Result<Timestamp, AuthError> {
        let Some(NumericDate(exp)) = self.exp else {
            return Err(TokenRefusal::Claim.into());
        };
        if exp.plus(overtime) <= now {
            return Err(AuthError::Expired);
        }
        if self.nbf.is_some_and(|NumericDate(nbf)| nbf > now.plus(ahead)) {
            return Err(TokenRefusal::NotYetValid.into());
        }
        if self.iat.is_some_and(|NumericDate(iat)| iat > now.plus(ahead)) {
            return Err(TokenRefusal::IssuedAhead.into());
        }
        Ok(exp)
    }
}

/// Seconds since the Unix epoch, possibly with a fraction (RFC 7519, section 2). A string is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumericDate(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seconds;
        impl Visitor<'_> for Seconds {
            type Value = NumericDate;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("seconds since the epoch, before the year 10000")
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<NumericDate, E> {
                Timestamp::from_seconds(seconds).map(NumericDate).ok_or_else(|| E::custom("out of range"))
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<NumericDate, E> {
                self.visit_i64(i64::try_from(seconds).map_err(E::custom)?)
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<NumericDate, E> {
                // `as` saturates and turns NaN into 0; the range check refuses saturated values.
                Timestamp::from_micros((seconds * 1e6) as i64)
                    .filter(|_| seconds.is_finite())
                    .map(NumericDate)
                    .ok_or_else(|| E::custom("out of range"))
            }
        }
        deserializer.deserialize_any(Seconds)
    }
}

/// `aud`: one name or several (RFC 7519, section 4.1.3).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    /// Whether it contains one of `accepted`.
    pub(crate) fn names_any(&self, accepted: &[String]) -> bool {
        match self {
            Self::One(name) => accepted.contains(name),
            Self::Several(names) => names.iter().any(|name| accepted.contains(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    fn lifetime(exp: Option<i64>, nbf: Option<i64>, iat: Option<i64>) -> Lifetime {
        let date = |seconds: Option<i64>| seconds.map(|s| NumericDate(at(s)));
        Lifetime { exp: date(exp), nbf: date(nbf), iat: date(iat) }
    }

    const LEEWAY: Duration = Duration::from_secs(5);

    fn code(lifetime: Lifetime, overtime: Duration) -> &'static str {
        lifetime.check(at(1_000), overtime, LEEWAY).map_or_else(|e| e.code(), |_| "good")
    }

    #[test]
    fn a_token_ends_at_the_second_it_says() {
        assert_eq!(code(lifetime(Some(1_001), None, None), Duration::ZERO), "good");
        assert_eq!(code(lifetime(Some(1_000), None, None), Duration::ZERO), "expired");
        assert_eq!(code(lifetime(Some(996), None, None), LEEWAY), "good");
        assert_eq!(code(lifetime(Some(995), None, None), LEEWAY), "expired");
        assert_eq!(code(lifetime(None, None, None), LEEWAY), "claim");
    }

    #[test]
    fn what_lies_ahead_is_refused_beyond_the_leeway() {
        assert_eq!(code(lifetime(Some(2_000), Some(1_005), Some(1_005)), LEEWAY), "good");
        assert_eq!(code(lifetime(Some(2_000), Some(1_006), None), LEEWAY), "not_yet_valid");
        assert_eq!(code(lifetime(Some(2_000), None, Some(1_006)), LEEWAY), "issued_ahead");
    }

    #[test]
    fn dates_are_numbers() {
        assert_eq!(serde_json::from_str::<NumericDate>("12.5").unwrap().0.as_micros(), 12_500_000);
        assert_eq!(serde_json::from_str::<NumericDate>("12").unwrap().0, at(12));
        for text in ["\"12\"", "1e300", "-1e300", "99999999999999", "true", "[]", "18446744073709551615"] {
            assert!(serde_json::from_str::<NumericDate>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_audience_is_met_by_equality() {
        let ours = ["souk".to_owned()];
        for (json, met) in
            [(r#""souk""#, true), (r#"["x","souk"]"#, true), (r#""souk2""#, false), ("[]", false)]
        {
            assert_eq!(serde_json::from_str::<Audience>(json).unwrap().names_any(&ours), met, "{json}");
        }
    }
}
