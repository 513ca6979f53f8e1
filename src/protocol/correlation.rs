//! Correlation ids, by which a client recognises the answer to a request.

use std::fmt;

use serde_json::value::RawValue;

/// A client's id for a request: a JSON number or string, kept and echoed exactly as it was written.
///
/// Raw JSON, because a client that uses 64-bit integers or fractions must get back exactly what it sent.
#[derive(Clone)]
pub struct Correlation(Box<RawValue>);

/// In bytes. A longer id is refused, because the server stores it and sends it back.
const MAX_CORRELATION: usize = 128;

impl Correlation {
    /// From a number: Socket.IO's acknowledgement ids.
    pub(super) fn number(number: u64) -> Option<Self> {
        RawValue::from_string(number.to_string()).ok().map(Self)
    }

    /// The id as JSON text.
    pub(super) fn as_str(&self) -> &str {
        self.0.get()
    }

    pub(super) fn parse(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        let plain = text.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit());
        (plain && text.len() <= MAX_CORRELATION).then(|| Self(raw.to_owned()))
    }
}

impl serde::Serialize for Correlation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Debug for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}
