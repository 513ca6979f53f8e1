//! Parsers for durations, sizes and counts in flags and variables.

use std::str::FromStr;
use std::time::Duration;

/// Why a value does not parse; the message names the expected form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidValue {
    /// Not a duration.
    #[error("must be a duration with its unit: 500ms, 10s, 30m, 12h or 14d")]
    Duration,
    /// Not a size.
    #[error("must be a size such as 4096, 64KiB or 10MiB")]
    Size,
    /// Not a count.
    #[error("must be a whole number, at least 1")]
    Count,
}

/// Parses `500ms`, `10s`, `30m`, `12h`, `14d`: a positive whole number with its unit.
///
/// A bare number is refused, because its unit would be ambiguous.
pub(crate) fn duration(text: &str) -> Result<Duration, InvalidValue> {
    let (number, unit) = split(text);
    let number: u64 = number.parse().map_err(|_| InvalidValue::Duration)?;
    let millis_in_unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(InvalidValue::Duration),
    };
    let millis = number.checked_mul(millis_in_unit).filter(|millis| (1..=LONGEST).contains(millis));
    millis.map(Duration::from_millis).ok_or(InvalidValue::Duration)
}

/// A hundred years: adding more to a timestamp could overflow.
const LONGEST: u64 = 100 * 365 * 86_400_000;

/// Parses `4096`, `64KiB`, `10MiB`, `1GiB`: bytes, at least one.
pub(super) fn size(text: &str) -> Result<usize, InvalidValue> {
    let (number, unit) = split(text);
    let number: usize = number.parse().map_err(|_| InvalidValue::Size)?;
    let bytes_in_unit = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(InvalidValue::Size),
    };
    number.checked_mul(bytes_in_unit).filter(|bytes| *bytes > 0).ok_or(InvalidValue::Size)
}

/// Parses a whole number of at least one: a limit of zero would disable the feature by mistake.
pub(crate) fn count<T: FromStr + Default + PartialEq>(text: &str) -> Result<T, InvalidValue> {
    text.parse().ok().filter(|number| *number != T::default()).ok_or(InvalidValue::Count)
}

fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("30m"), Ok(Duration::from_secs(1800)));
        assert_eq!(duration("14d"), Ok(Duration::from_secs(14 * 86_400)));
        for text in ["", "10", "s", "-1s", "1.5h", "10 s", "0s", "10sec", "99999999999999999999s", "40000d"] {
            assert_eq!(duration(text), Err(InvalidValue::Duration), "{text}");
        }
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("10MiB"), Ok(10 << 20));
        for text in ["", "0", "KiB", "64KB", "64 KiB", "-1", "18446744073709551615GiB"] {
            assert_eq!(size(text), Err(InvalidValue::Size), "{text}");
        }
    }

    #[test]
    fn a_count_is_at_least_one() {
        assert_eq!(count::<u32>("1"), Ok(1));
        for text in ["0", "-1", "", "4294967296", "one"] {
            assert_eq!(count::<u32>(text), Err(InvalidValue::Count), "{text}");
        }
    }
}
