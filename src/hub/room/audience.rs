//! The members of a room on each worker thread, as far as sending is concerned.

use crate::hub::message::WorkerId;
use crate::ids::Seq;
use crate::protocol::Dialect;

/// The members on one worker thread.
pub(super) struct Audience {
    pub(super) worker: WorkerId,
    members_by_dialect: [u32; Dialect::ALL.len()],
    /// The last event that the worker accepted. Less than the room's head only after its mailbox was full.
    pub(super) sent: Seq,
}

impl Audience {
    pub(super) fn has_dialect(&self, dialect: Dialect) -> bool {
        self.members_by_dialect.get(dialect.index()).is_some_and(|count| *count > 0)
    }

    fn count(&mut self, dialect: Dialect, change: impl Fn(u32) -> u32) {
        if let Some(count) = self.members_by_dialect.get_mut(dialect.index()) {
            *count = change(*count);
        }
    }

    fn is_empty(&self) -> bool {
        self.members_by_dialect.iter().all(|count| *count == 0)
    }
}

/// Each worker thread with members, in their order. Most rooms have members on one thread alone.
#[derive(Default)]
pub(super) struct Audiences(Vec<Audience>);

impl Audiences {
    /// Counts a member; `head`: the room's, if it is the worker's first one.
    pub(super) fn add(&mut self, worker: WorkerId, dialect: Dialect, head: Seq) {
        let known = self.0.binary_search_by_key(&worker, |audience| audience.worker);
        if let Err(at) = known {
            let members_by_dialect = [0; Dialect::ALL.len()];
            self.0.reserve_exact(1);
            self.0.insert(at, Audience { worker, members_by_dialect, sent: head });
        }
        let (Ok(at) | Err(at)) = known;
        if let Some(audience) = self.0.get_mut(at) {
            audience.count(dialect, |count| count + 1);
        }
    }

    pub(super) fn remove(&mut self, worker: WorkerId, dialect: Dialect) {
        if let Some(audience) = self.iter_mut().find(|audience| audience.worker == worker) {
            audience.count(dialect, |count| count.saturating_sub(1));
        }
        self.0.retain(|audience| !audience.is_empty());
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Audience> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Audience> {
        self.0.iter_mut()
    }

    /// The last event that all workers have accepted, if there is one.
    pub(super) fn slowest(&self) -> Option<Seq> {
        self.iter().map(|audience| audience.sent).min()
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self, members: usize) {
        assert!(self.0.is_sorted_by_key(|audience| audience.worker));
        assert!(self.iter().all(|audience| !audience.is_empty()));
        let counted: u32 = self.iter().flat_map(|audience| audience.members_by_dialect).sum();
        assert_eq!(usize::try_from(counted).unwrap(), members, "each member counts for its worker");
    }
}
