//! A text while it is being written, and those who follow it.
//!
//! Every follower has a position in the text of its own: whoever comes late gets what there is as one piece and
//! then the rest. So nothing is queued per follower, and nobody gets anything twice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use crate::generation::GenerationError;

/// Why an attempt failed, as its followers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// For programs; stable.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) message: &'static str,
    /// When a retry makes sense.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    /// The entry was deleted.
    pub(crate) const ENTRY_DELETED: Self = Self::new("not_found", "the entry no longer exists");
    /// The conversation was deleted.
    pub(crate) const CONVERSATION_DELETED: Self = Self::new("not_found", "the conversation no longer exists");
    /// It was cancelled by its owner.
    pub(crate) const CANCELLED: Self = Self::new("cancelled", "it was cancelled");
    /// Nobody followed it any more.
    pub(crate) const ABANDONED: Self = Self::new("abandoned", "it was cancelled, since nobody followed it");
    /// An internal error, which was logged.
    pub(crate) const INTERNAL: Self = Self::new("internal", "our fault; it has been logged");

    /// Seconds after which a retry makes sense, at least one.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        self.retry_after.map(|after| (after.as_secs() + u64::from(after.subsec_nanos() > 0)).max(1))
    }

    /// A failure that says nothing about when to retry.
    pub(crate) const fn new(code: &'static str, message: &'static str) -> Self {
        Self { code, message, retry_after: None }
    }
}

impl From<&GenerationError> for Failure {
    fn from(error: &GenerationError) -> Self {
        Self { code: error.code(), message: error.message(), retry_after: error.retry_after() }
    }
}

/// What a follower learns next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step<I> {
    /// An attempt to write the text of this id has begun; what came before it no longer counts.
    Start(I),
    /// The attempt waits for others, at this place in line; 1 is next.
    Waiting(usize),
    /// The next piece of the text.
    Chunk(String),
    /// The text is whole and stored.
    Done(I),
    /// The attempt has ended without a text.
    Failed(Failure),
}

/// How an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// No attempt was made, or it has not said yet which text it writes. Followers are not told of it.
    Idle,
    /// Being written; may be cancelled.
    Running,
    /// Whole, and being stored; may not be cancelled any more.
    Storing,
    /// Whole and stored.
    Done,
    /// Ended without a text.
    Failed(Failure),
}

/// One attempt, as far as it has come.
#[derive(Debug)]
struct Progress<I> {
    /// Counts the attempts, so that followers notice a new one; 0 before the first.
    attempt: u64,
    id: Option<I>,
    place: Option<usize>,
    text: String,
    phase: Phase,
}

impl<I> Progress<I> {
    fn of_attempt(attempt: u64) -> Self {
        Self { attempt, id: None, place: None, text: String::new(), phase: Phase::Idle }
    }

    fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Failed(_))
    }
}

#[derive(Debug)]
struct State<I> {
    now: Progress<I>,
    /// The attempt before, for followers that have not heard its end yet: the next one may begin at once.
    before: Option<Progress<I>>,
    /// An attempt exists that has not ended.
    is_busy: bool,
    /// Why the running attempt must end without a text.
    cancelled: Option<Failure>,
}

impl<I> State<I> {
    fn new() -> Self {
        Self { now: Progress::of_attempt(0), before: None, is_busy: false, cancelled: None }
    }

    fn begin(&mut self) {
        let next = Progress::of_attempt(self.now.attempt + 1);
        let before = std::mem::replace(&mut self.now, next);
        (self.before, self.is_busy, self.cancelled) = (Some(before).filter(Progress::has_ended), true, None);
    }
}

/// How the newest attempt on a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WritingStatus<I> {
    /// It is being written, or is about to be.
    Busy,
    /// It was whole and stored.
    Done(I),
    /// There is none, or it has ended without a text.
    Nothing,
}

/// One text: at most one attempt to write it at a time, and any number of followers.
#[derive(Debug)]
pub(crate) struct Writing<I> {
    state: watch::Sender<State<I>>,
    /// When a follower last left.
    left_at: Mutex<Instant>,
    /// Whether the running attempt goes on without followers.
    is_detached: AtomicBool,
    cancel: Notify,
}

impl<I: Copy + Send + Sync + 'static> Writing<I> {
    /// A text that nobody writes yet.
    pub(super) fn new() -> Self {
        Self {
            state: watch::Sender::new(State::new()),
            left_at: Mutex::new(Instant::now()),
            is_detached: AtomicBool::new(false),
            cancel: Notify::new(),
        }
    }

    /// Follows the newest attempt from its beginning, and those after it.
    pub(super) fn follow(self: &Arc<Self>) -> Follower<I> {
        self.follow_after(|state| state.now.attempt.saturating_sub(1))
    }

    /// The same, but not an attempt that has ended already.
    pub(super) fn follow_on(self: &Arc<Self>) -> Follower<I> {
        self.follow_after(|state| match state.is_busy {
            true => state.now.attempt.saturating_sub(1),
            false => state.now.attempt,
        })
    }

    fn follow_after(self: &Arc<Self>, attempt: impl FnOnce(&State<I>) -> u64) -> Follower<I> {
        let mut state = self.state.subscribe();
        state.mark_changed();
        let attempt = attempt(&state.borrow());
        Follower { writing: Arc::clone(self), state, attempt, sent: 0, place: None, has_ended: true }
    }

    /// Begins an attempt; `None` while one is running.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Attempt<I>> {
        let has_begun = self.state.send_if_modified(|state| {
            let is_free = !state.is_busy;
            if is_free {
                state.begin();
                self.is_detached.store(false, Ordering::Release);
            }
            is_free
        });
        has_begun.then(|| Attempt { writing: Arc::clone(self) })
    }

    /// Waits until no attempt is running.
    pub(super) async fn idle(&self) {
        // Cannot fail: the sender is ours.
        let _ = self.state.subscribe().wait_for(|state| !state.is_busy).await;
    }

    /// How the newest attempt stands.
    pub(super) fn status(&self) -> WritingStatus<I> {
        let state = self.state.borrow();
        match (state.is_busy, &state.now.phase, state.now.id) {
            (true, ..) => WritingStatus::Busy,
            (false, Phase::Done, Some(id)) => WritingStatus::Done(id),
            (false, ..) => WritingStatus::Nothing,
        }
    }

    /// Lets the running attempt go on when its last follower leaves.
    pub(super) fn detach(&self) {
        self.is_detached.store(true, Ordering::Release);
    }

    /// Cancels the running attempt for this reason. Returns `false` if none is running that could still be
    /// cancelled: a text that is being stored will be told of as done.
    pub(super) fn cancel(&self, why: Failure) -> bool {
        let is_cancelled = self.state.send_if_modified(|state| {
            let may_be = state.is_busy && matches!(state.now.phase, Phase::Idle | Phase::Running);
            if may_be {
                state.cancelled.get_or_insert(why);
            }
            may_be
        });
        if is_cancelled {
            self.cancel.notify_one();
        }
        is_cancelled
    }

    /// The id and text so far of the attempt, and its place in line; `None` unless one is being written.
    pub(super) fn progress(&self) -> Option<(I, String, Option<usize>)> {
        let state = self.state.borrow();
        let id = state.now.id.filter(|_| matches!(state.now.phase, Phase::Running | Phase::Storing))?;
        Some((id, state.now.text.clone(), state.now.place))
    }
}

/// The right to write the text, once. Dropping it before it has started undoes it; dropping it before it is
/// finished counts as an internal error.
#[derive(Debug)]
pub(super) struct Attempt<I: Copy + Send + Sync + 'static> {
    writing: Arc<Writing<I>>,
}

impl<I: Copy + Send + Sync + 'static> Attempt<I> {
    /// Says which text it writes; followers get [`Step::Start`].
    pub(super) fn start(&self, id: I) {
        self.writing.state.send_modify(|state| {
            state.now.id = Some(id);
            state.now.phase = Phase::Running;
        });
    }

    /// Goes on when the last follower leaves.
    pub(super) fn detach(&self) {
        self.writing.detach();
    }

    /// The place in line, or `None` when it is its turn.
    pub(super) fn waits_at(&self, place: Option<usize>) {
        self.writing.state.send_modify(|state| state.now.place = place);
    }

    /// Appends a piece.
    pub(super) fn push(&self, piece: &str) {
        self.writing.state.send_modify(|state| state.now.text.push_str(piece));
    }

    /// The text so far.
    pub(super) fn text(&self) -> String {
        self.writing.state.borrow().now.text.clone()
    }

    /// The text is whole; from now on it cannot be cancelled.
    ///
    /// # Errors
    /// Why it was cancelled before.
    pub(super) fn store(&self) -> Result<(), Failure> {
        let mut cancelled = None;
        self.writing.state.send_modify(|state| match &state.cancelled {
            Some(why) => cancelled = Some(why.clone()),
            None => state.now.phase = Phase::Storing,
        });
        cancelled.map_or(Ok(()), Err)
    }

    /// Completes when the attempt should end without a text: it is cancelled, or nobody has followed it for
    /// `grace`.
    pub(super) async fn stopped(&self, grace: Duration) -> Failure {
        tokio::select! {
            why = self.cancelled() => why,
            () = self.abandoned(grace) => Failure::ABANDONED,
        }
    }

    async fn cancelled(&self) -> Failure {
        loop {
            if let Some(why) = self.writing.state.borrow().cancelled.clone() {
                return why;
            }
            // May be a permit that is left of an earlier attempt, so the state is looked at again.
            self.writing.cancel.notified().await;
        }
    }

    async fn abandoned(&self, grace: Duration) {
        loop {
            self.writing.state.closed().await;
            let ends_at = *lock(&self.writing.left_at) + grace;
            if Instant::now() < ends_at {
                sleep_until(ends_at).await;
            } else if self.writing.is_detached.load(Ordering::Acquire) {
                std::future::pending::<()>().await;
            } else if self.writing.state.receiver_count() == 0 {
                return;
            }
        }
    }

    /// The text is whole and stored.
    pub(super) fn done(self) {
        self.end(Phase::Done);
    }

    /// The same, with what its id says of it now.
    pub(super) fn done_as(self, id: I) {
        self.writing.state.send_modify(|state| state.now.id = Some(id));
        self.end(Phase::Done);
    }

    /// It has failed.
    pub(super) fn failed(self, failure: Failure) {
        self.end(Phase::Failed(failure));
    }

    fn end(&self, phase: Phase) {
        self.writing.state.send_modify(|state| {
            state.is_busy = false;
            state.cancelled = None;
            state.now.phase = phase;
        });
    }
}

impl<I: Copy + Send + Sync + 'static> Drop for Attempt<I> {
    fn drop(&mut self) {
        let phase = self.writing.state.borrow().now.phase.clone();
        match phase {
            Phase::Running | Phase::Storing => self.end(Phase::Failed(Failure::INTERNAL)),
            // Nothing was said yet.
            Phase::Idle => self.end(Phase::Idle),
            Phase::Done | Phase::Failed(_) => {}
        }
    }
}

/// Reads along with a text, attempt after attempt.
#[derive(Debug)]
pub(crate) struct Follower<I> {
    writing: Arc<Writing<I>>,
    state: watch::Receiver<State<I>>,
    attempt: u64,
    /// Bytes of the attempt's text that were returned.
    sent: usize,
    place: Option<usize>,
    has_ended: bool,
}

impl<I: Copy> Follower<I> {
    /// The next step; waits for it. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Step<I> {
        loop {
            if let Some(step) = self.step() {
                return step;
            }
            // Cannot fail: the sender lives as long as this follower.
            if self.state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn step(&mut self) -> Option<Step<I>> {
        let state = self.state.borrow_and_update();
        let is_left = |before: &&Progress<I>| {
            before.attempt > self.attempt || (before.attempt == self.attempt && !self.has_ended)
        };
        let told = state.before.as_ref().filter(is_left).unwrap_or(&state.now);
        if told.attempt != self.attempt {
            let first = match (&told.phase, told.id) {
                (_, Some(id)) => Step::Start(id),
                (Phase::Failed(failure), None) => Step::Failed(failure.clone()),
                (_, None) => return None,
            };
            let has_ended = told.id.is_none();
            (self.attempt, self.sent, self.place, self.has_ended) = (told.attempt, 0, None, has_ended);
            return Some(first);
        }
        if self.has_ended {
            return None;
        }
        if let Some(piece) = told.text.get(self.sent..).filter(|piece| !piece.is_empty()) {
            self.sent = told.text.len();
            return Some(Step::Chunk(piece.to_owned()));
        }
        match &told.phase {
            Phase::Idle => None,
            Phase::Running | Phase::Storing if told.place == self.place => None,
            Phase::Running | Phase::Storing => {
                self.place = told.place;
                self.place.map(Step::Waiting)
            }
            Phase::Done => {
                self.has_ended = true;
                told.id.map(Step::Done)
            }
            Phase::Failed(failure) => {
                self.has_ended = true;
                Some(Step::Failed(failure.clone()))
            }
        }
    }
}

impl<I> Drop for Follower<I> {
    fn drop(&mut self) {
        // Before the receiver goes, so that whoever waits for the last one to leave finds this moment.
        *lock(&self.writing.left_at) = Instant::now();
    }
}

fn lock(instant: &Mutex<Instant>) -> std::sync::MutexGuard<'_, Instant> {
    instant.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "writing_tests.rs"]
mod tests;
