//! Signals: small live values that members of a room tell each other, such as a position on a map.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a signal is about, such as `cursor`; chosen by clients. For each user and topic only the newest signal
/// counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Topic(Arc<str>);

impl Topic {
    /// In bytes.
    const LONGEST: usize = 64;

    /// Accepts a topic; `None` if it is empty, longer than 64 bytes, or has control characters.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.into()))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

/// A signal's value: any JSON up to 1 KiB, passed on as the client wrote it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignalData(Arc<RawValue>);

impl SignalData {
    /// In bytes, as the client wrote it.
    pub(super) const LONGEST: usize = 1024;

    /// Accepts the data of a signal, `null` if there is none; `None` if it is longer than 1 KiB, or JSON that not every
    /// reader takes: nested more than 127 deep, a number beyond the range of a double, half a surrogate pair.
    pub(super) fn parse(raw: Option<&RawValue>) -> Option<Self> {
        let raw = raw.unwrap_or(RawValue::NULL);
        let fits = raw.get().len() <= Self::LONGEST;
        let is_plain = fits && serde_json::from_str::<serde_json::Value>(raw.get()).is_ok();
        is_plain.then(|| Self(raw.to_owned().into()))
    }
}

impl PartialEq for SignalData {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for SignalData {}
