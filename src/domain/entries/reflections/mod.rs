//! Reflections on a journal entry, written by a text generator. They belong to the entry: whoever may read
//! and change it may read and delete them. Their text is sealed like the entry's.

mod events;
mod repository;
mod service;

pub(crate) use events::{ReflectionCreated, ReflectionDeleted};
pub(crate) use service::{
    NewReflection, authorize, create, delete, exists, find, in_progress, latest, list, not_in_progress,
    too_many,
};

use std::fmt;

use crate::clock::Timestamp;
use crate::ids::{EntryId, ReflectionId};

/// A reflection.
#[derive(Clone)]
pub(crate) struct Reflection {
    /// Primary key.
    pub(crate) id: ReflectionId,
    /// The entry that it is about.
    pub(crate) entry_id: EntryId,
    /// The version of the entry that it is about.
    pub(crate) entry_version: i64,
    /// The name of the generator that wrote it.
    pub(crate) generator: String,
    /// The text itself; never logged.
    pub(crate) text: String,
    /// Time when it was whole.
    pub(crate) created_at: Timestamp,
}

/// By hand, without the text: what private notes gave rise to must not reach the logs.
impl fmt::Debug for Reflection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reflection({})", self.id)
    }
}
