//! The lines in which the messages of conversations wait for their answers. They are bounded: a place is taken
//! before a message is stored, so that what was accepted is also answered.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::Error;
use crate::domain::conversations::messages;
use crate::domain::policy::Scope;
use crate::ids::{ConversationId, MessageId};

use super::{Answer, Terms, Unfollowed};

/// How many messages of one conversation may wait for their answers.
const WAITING: usize = 16;

/// The lines of all conversations in which something is ordered. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<HashMap<ConversationId, Line>>>);

/// The answers of one conversation that are ordered.
#[derive(Default)]
struct Line {
    /// A task works on it.
    has_worker: bool,
    /// The one that is being written, or is about to be.
    current: Option<(MessageId, Unfollowed)>,
    waiting: VecDeque<Order>,
    /// Places that are taken for messages that are being stored.
    taken: usize,
}

/// An answer to write.
pub(super) struct Order {
    pub(super) scope: Scope,
    pub(super) answer: Answer,
    pub(super) terms: Terms,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It waits. The first one of a line needs a worker.
    Ordered { is_first: bool },
    /// It is there already.
    AlreadyThere,
    /// Too many wait.
    Full,
}

impl Line {
    fn has(&self, id: MessageId) -> bool {
        self.is_current(id) || self.waiting.iter().any(|order| order.answer.id == id)
    }

    fn is_current(&self, id: MessageId) -> bool {
        self.current.is_some_and(|(current, _)| current == id)
    }

    fn is_full(&self) -> bool {
        self.waiting.len() + self.taken >= WAITING
    }

    fn is_idle(&self) -> bool {
        !self.has_worker && self.taken == 0
    }

    /// Has an ordered answer written even if nobody follows it, if that is asked for.
    fn keep(&mut self, id: MessageId, unfollowed: Unfollowed) {
        if unfollowed == Unfollowed::GivenUp {
            return;
        }
        if let Some((_, unfollowed)) = self.current.as_mut().filter(|(current, _)| *current == id) {
            *unfollowed = Unfollowed::GoesOn;
        }
        if let Some(order) = self.waiting.iter_mut().find(|order| order.answer.id == id) {
            order.terms.unfollowed = Unfollowed::GoesOn;
        }
    }
}

impl Lines {
    /// A place in a conversation's line that is not taken yet.
    pub(super) fn place(&self, conversation: ConversationId) -> Place {
        let (lines, is_taken) = (self.clone(), AtomicBool::new(false));
        Place(Arc::new(OnePlace { lines, conversation, is_taken }))
    }

    /// Whether this answer is ordered.
    pub(super) fn has(&self, conversation: ConversationId, id: MessageId) -> bool {
        self.lock().get(&conversation).is_some_and(|line| line.has(id))
    }

    /// Has an ordered answer written even if nobody follows it; `false` if it is not ordered.
    pub(super) fn keep(&self, conversation: ConversationId, id: MessageId, unfollowed: Unfollowed) -> bool {
        let mut lines = self.lock();
        let line = lines.get_mut(&conversation).filter(|line| line.has(id));
        line.map(|line| line.keep(id, unfollowed)).is_some()
    }

    /// Puts an order into the line, at the place if it is taken.
    pub(super) fn push(&self, place: &Place, order: Order) -> Pushed {
        let mut lines = self.lock();
        let line = lines.entry(place.conversation()).or_default();
        if line.has(order.answer.id) {
            return Pushed::AlreadyThere;
        }
        if place.0.is_taken.swap(false, Ordering::Relaxed) {
            line.taken = line.taken.saturating_sub(1);
        } else if line.is_full() {
            return Pushed::Full;
        }
        line.waiting.push_back(order);
        Pushed::Ordered { is_first: !std::mem::replace(&mut line.has_worker, true) }
    }

    /// The next order, for the worker; if there is none, the worker must end.
    pub(super) fn next(&self, conversation: ConversationId) -> Option<Order> {
        let mut lines = self.lock();
        let line = lines.get_mut(&conversation)?;
        let next = line.waiting.pop_front();
        line.current = next.as_ref().map(|order| (order.answer.id, order.terms.unfollowed));
        line.has_worker = next.is_some();
        if line.is_idle() {
            lines.remove(&conversation);
        }
        next
    }

    /// Whether the answer that is being written goes on when nobody follows it.
    pub(super) fn current_goes_on(&self, conversation: ConversationId) -> bool {
        let lines = self.lock();
        let current = lines.get(&conversation).and_then(|line| line.current);
        current.is_some_and(|(_, unfollowed)| unfollowed == Unfollowed::GoesOn)
    }

    /// Whether this answer is the one that is being written.
    pub(super) fn is_current(&self, conversation: ConversationId, id: MessageId) -> bool {
        self.lock().get(&conversation).is_some_and(|line| line.is_current(id))
    }

    /// The answer that was being written has ended; it may be ordered anew.
    pub(super) fn ended(&self, conversation: ConversationId) {
        if let Some(line) = self.lock().get_mut(&conversation) {
            line.current = None;
        }
    }

    /// Forgets what waits.
    pub(super) fn clear(&self, conversation: ConversationId) {
        if let Some(line) = self.lock().get_mut(&conversation) {
            line.waiting.clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConversationId, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a conversation's line. One that was taken and not used is free again when it is dropped.
#[derive(Clone)]
pub(crate) struct Place(Arc<OnePlace>);

struct OnePlace {
    lines: Lines,
    conversation: ConversationId,
    /// Changed only while the lines are locked.
    is_taken: AtomicBool,
}

impl Place {
    /// The conversation.
    pub(super) fn conversation(&self) -> ConversationId {
        self.0.conversation
    }

    /// Takes the place. Taking it again, as a transaction does that is run again, changes nothing.
    ///
    /// # Errors
    /// If too many wait already.
    pub(crate) fn take(&self) -> Result<(), Error> {
        let mut lines = self.0.lines.lock();
        self.take_in(lines.entry(self.0.conversation).or_default())
    }

    /// The same, unless this answer has a place already.
    ///
    /// # Errors
    /// As for [`Place::take`].
    pub(crate) fn take_for(&self, id: MessageId) -> Result<(), Error> {
        let mut lines = self.0.lines.lock();
        let line = lines.entry(self.0.conversation).or_default();
        if line.has(id) { Ok(()) } else { self.take_in(line) }
    }

    fn take_in(&self, line: &mut Line) -> Result<(), Error> {
        if self.0.is_taken.load(Ordering::Relaxed) {
            return Ok(());
        }
        if line.is_full() {
            return Err(messages::too_many_waiting());
        }
        line.taken += 1;
        self.0.is_taken.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for OnePlace {
    fn drop(&mut self) {
        if !*self.is_taken.get_mut() {
            return;
        }
        let mut lines = self.lines.lock();
        let Some(line) = lines.get_mut(&self.conversation) else { return };
        line.taken = line.taken.saturating_sub(1);
        if line.is_idle() {
            lines.remove(&self.conversation);
        }
    }
}
