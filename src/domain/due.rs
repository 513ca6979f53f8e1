//! Rows that are due at a time, in the order in which the sweeper goes through them.

use std::fmt;

use crate::clock::Timestamp;

/// A row that was due at a time. Lists are continued after the last one of the batch before, so that a row that
/// cannot be settled does not stand in the way of those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due<I> {
    /// When it was due.
    pub(crate) at: Timestamp,
    /// The row.
    pub(crate) id: I,
}

impl<I: fmt::Display> fmt::Display for Due<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}
