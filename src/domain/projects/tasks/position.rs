//! Where a task stands within its column: a fractional index.
//!
//! Own code and not the crate `fractional_index`, which panics on keys with a zero byte that its own
//! insertions make.

/// A digit's values: 0 to 9, a to z.
const BASE: u8 = 36;

/// Where a task stands within its column: the order of these texts, byte by byte, is the order of the tasks.
///
/// Texts and not numbers, because between any two of them there is room for a third without touching the
/// others. Each is the digits of a fraction in base 36, and never ends in 0: before `a0` there would be
/// nothing after `a`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema)]
#[serde(transparent)]
pub(crate) struct Position(String);

impl Position {
    /// Positions longer than this are spread anew. Each insertion into one and the same gap adds a fifth of a
    /// digit, so that this takes hundreds of them.
    pub(crate) const MAX_LEN: usize = 64;

    /// A position between two others; `None` is an end of the column.
    pub(crate) fn between(lower: Option<&Self>, upper: Option<&Self>) -> Self {
        Self::of_digits(match (lower.map(Self::digits), upper.map(Self::digits)) {
            (None, None) => vec![BASE / 2],
            (Some(lower), None) => after(&lower),
            (None, Some(upper)) => before(&upper),
            (Some(lower), Some(upper)) => middle(&lower, &upper),
        })
    }

    /// As many short positions as there are tasks, in order and with equal gaps.
    pub(crate) fn spread(count: usize) -> impl Iterator<Item = Self> {
        let room = u64::from(BASE).pow(4);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        (1..=count).map(move |n| {
            let mut left = n.saturating_mul(room) / count.saturating_add(1);
            let mut digits = [0; 4];
            for digit in digits.iter_mut().rev() {
                *digit = u8::try_from(left % u64::from(BASE)).unwrap_or(0);
                left /= u64::from(BASE);
            }
            let used = digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
            Self::of_digits(digits.into_iter().take(used).collect())
        })
    }

    /// Whether a stored text is a position: digits of which the last is not 0.
    pub(crate) fn is_well_formed(text: &str) -> bool {
        text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
            && text.bytes().next_back().is_some_and(|last| last != b'0')
    }

    /// Whether the column must be spread anew.
    pub(crate) fn is_long(&self) -> bool {
        self.0.len() > Self::MAX_LEN
    }

    /// The key to sort by, bytewise.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn digits(&self) -> Vec<u8> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            _ => 0,
        };
        self.0.bytes().map(digit).collect()
    }

    fn of_digits(digits: Vec<u8>) -> Self {
        let letter = |digit: u8| char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
        Self(digits.into_iter().map(letter).collect())
    }
}

/// For Diesel; a stored position was validated when it was written.
impl From<String> for Position {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// The next one, in small steps: a list that only grows at its end must not halve its room each time.
fn after(lower: &[u8]) -> Vec<u8> {
    match lower.iter().position(|digit| *digit < BASE - 1) {
        Some(at) => lower.iter().take(at).copied().chain(lower.get(at).map(|digit| digit + 1)).collect(),
        None => lower.iter().copied().chain([1]).collect(),
    }
}

/// The one before, in small steps.
fn before(upper: &[u8]) -> Vec<u8> {
    let zeros = upper.iter().take_while(|digit| **digit == 0).count();
    let leading = upper.iter().take(zeros).copied();
    match upper.get(zeros..) {
        Some([digit, ..]) if *digit > 1 => leading.chain([digit - 1]).collect(),
        // `1x` stands behind `1`.
        Some([_, _, ..]) => leading.chain([1]).collect(),
        _ => leading.chain([0, BASE - 1]).collect(),
    }
}

/// The shortest one between two.
fn middle(lower: &[u8], upper: &[u8]) -> Vec<u8> {
    let mut digits = Vec::new();
    let mut upper = Some(upper);
    let mut lower = lower;
    loop {
        let low = lower.first().copied().unwrap_or(0);
        let high = upper.map_or(BASE, |upper| upper.first().copied().unwrap_or(0));
        let behind = upper.and_then(|upper| upper.get(1..)).unwrap_or_default();
        if high > low + 1 {
            digits.push(low + (high - low) / 2);
            return digits;
        }
        if high > low && !behind.is_empty() {
            digits.push(high);
            return digits;
        }
        digits.push(low);
        // Behind a smaller digit there is no upper bound any more.
        upper = if high > low { None } else { upper.map(|_| behind) };
        lower = lower.get(1..).unwrap_or_default();
        // Not two positions in order; what is behind the lower one is as good as anything.
        if upper.is_some_and(<[u8]>::is_empty) {
            upper = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> Position {
        Position::from(text.to_owned())
    }

    #[test]
    fn there_is_room_at_both_ends_and_between() {
        let cases = [
            (None, None, "i"),
            (Some("i"), None, "j"),
            (Some("z"), None, "z1"),
            (None, Some("2"), "1"),
            (None, Some("1"), "0z"),
            (None, Some("01x"), "01"),
            (Some("1"), Some("3"), "2"),
            (Some("1"), Some("2"), "1i"),
            (Some("1"), Some("11"), "10i"),
            (Some("1z"), Some("21"), "2"),
            (Some("0190ab"), Some("0190b"), "0190an"),
        ];
        for (lower, upper, expected) in cases {
            let (lower, upper) = (lower.map(key), upper.map(key));
            let between = Position::between(lower.as_ref(), upper.as_ref());
            assert_eq!(between.as_str(), expected, "{lower:?} {upper:?}");
        }
    }

    #[test]
    fn a_list_that_grows_at_its_ends_stays_short() {
        let (mut first, mut last) = (Position::between(None, None), Position::between(None, None));
        for _ in 0..1_000 {
            first = Position::between(None, Some(&first));
            last = Position::between(Some(&last), None);
        }
        assert!(!first.is_long() && !last.is_long(), "{first:?} {last:?}");
    }

    #[test]
    fn a_gap_takes_hundreds() {
        let (lower, mut upper) = (key("1"), key("2"));
        let mut count = 0;
        while !upper.is_long() {
            upper = Position::between(Some(&lower), Some(&upper));
            count += 1;
        }
        assert!(count > 300, "{count}");
    }

    proptest! {
        #[test]
        fn whatever_is_inserted_stands_between_its_neighbours(
            places in proptest::collection::vec(any::<prop::sample::Index>(), 1..200)
        ) {
            let mut list: Vec<Position> = Vec::new();
            for place in places {
                let at = place.index(list.len() + 1);
                let lower = at.checked_sub(1).and_then(|at| list.get(at));
                let new = Position::between(lower, list.get(at));
                prop_assert!(!new.as_str().ends_with('0'));
                list.insert(at, new);
                prop_assert!(list.windows(2).all(|pair| pair[0] < pair[1]), "{list:?}");
            }
        }

        #[test]
        fn spread_positions_are_short_and_in_order(count in 0..3_000_usize) {
            let spread: Vec<_> = Position::spread(count).collect();
            prop_assert_eq!(spread.len(), count);
            prop_assert!(spread.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(spread.iter().all(|key| key.as_str().len() <= 4 && !key.as_str().ends_with('0')));
        }
    }
}
