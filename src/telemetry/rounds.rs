//! The last round of a periodic task.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Rounds of a periodic task, as far as somebody wants to know of them.
#[derive(Debug, Default)]
pub(crate) struct Rounds(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    began: Option<Instant>,
    last: Option<(Instant, Round)>,
}

/// The outcome of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    /// Rows that it settled.
    pub(crate) settled: usize,
    /// Rows that it deleted.
    pub(crate) deleted: usize,
    /// Whether an error has ended it early.
    pub(crate) is_cut_short: bool,
}

/// What is known of the rounds. Times are how long ago.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastRound {
    /// When the newest round began; `None` if none did.
    pub(crate) began: Option<Duration>,
    /// When the last one ended that had something to do with this process, and its outcome.
    pub(crate) last: Option<(Duration, Round)>,
}

impl Rounds {
    /// A round begins, whether or not there is something to do in it.
    pub(crate) fn begin(&self) {
        self.with(|state| state.began = Some(Instant::now()));
    }

    /// A round has ended.
    pub(crate) fn end(&self, round: Round) {
        self.with(|state| state.last = Some((Instant::now(), round)));
    }

    /// What is known now.
    pub(crate) fn last(&self) -> LastRound {
        let State { began, last } = self.with(|state| *state);
        LastRound { began: began.map(|at| at.elapsed()), last: last.map(|(at, round)| (at.elapsed(), round)) }
    }

    fn with<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
