//! How many generations run at once, for the server and for each user, and the line of those who wait.
//!
//! `line` decides, as a plain struct; here are the handles that hold a place in it and give it back when
//! dropped.

mod line;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::error::GenerationError;
use crate::ids::UserId;
use line::Line;

pub use line::Place;

/// The slots of one server. Cheap to clone; all clones share the slots.
#[derive(Debug, Clone)]
pub struct GenerationSlots(Arc<Mutex<Line>>);

/// A place in the line. Dropping it leaves the line.
#[derive(Debug)]
pub struct Waiting {
    ticket: Ticket,
    place: watch::Receiver<Place>,
}

/// The right to run one generation. Dropping it lets the next one run.
#[derive(Debug)]
pub struct Permit {
    _ticket: Ticket,
}

impl GenerationSlots {
    /// So many slots, and so many callers in line for one.
    pub(crate) fn new(concurrency: usize, queue: usize) -> Self {
        Self(Arc::new(Mutex::new(Line::new(concurrency, queue))))
    }

    /// Joins the line, first come, first served. `per_user` is how many generations of this user may run at
    /// once, at least one: a caller whose user is at that number keeps its place, and others pass.
    ///
    /// # Errors
    /// [`GenerationError::Busy`] if the line is full, or if four callers of this user are in
    /// it: otherwise one user could fill it.
    pub fn acquire(&self, user: UserId, per_user: usize) -> Result<Waiting, GenerationError> {
        let joined = self.with_line(|line| line.join(user, per_user));
        let (id, place) = joined.ok_or(GenerationError::Busy { retry_after: None })?;
        Ok(Waiting { ticket: Ticket { slots: self.clone(), id }, place })
    }

    /// How many permits are out, or called and not taken yet.
    pub(crate) fn running(&self) -> usize {
        self.with_line(|line| line.running())
    }

    /// How many callers are in line.
    pub(crate) fn waiting(&self) -> usize {
        self.with_line(|line| line.waiting())
    }

    fn with_line<T>(&self, work: impl FnOnce(&mut Line) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Waiting {
    /// The place at this moment.
    pub fn place(&self) -> Place {
        *self.place.borrow()
    }

    /// Waits until the place has changed since it was last returned by this method, or by its creation.
    /// Returns at once when the slot is there. Cancelling it loses nothing.
    pub async fn moved(&mut self) -> Place {
        if self.place() != Place::Called {
            // Fails if the sender is gone, which it is only after it called this caller.
            let _ = self.place.changed().await;
        }
        *self.place.borrow_and_update()
    }

    /// Waits for the slot and takes it. Cancelling it leaves the line.
    pub async fn permit(mut self) -> Permit {
        // Fails if the sender is gone without having called; it goes with our own ticket only.
        let _ = self.place.wait_for(|place| *place == Place::Called).await;
        Permit { _ticket: self.ticket }
    }
}

/// What a caller holds from joining until its generation ends.
#[derive(Debug)]
struct Ticket {
    slots: GenerationSlots,
    id: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.slots.with_line(|line| line.leave(self.id));
    }
}
