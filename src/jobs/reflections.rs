//! Reflections on journal entries: at most one at a time is written on an entry, however many sessions follow
//! it. A stored one is replayed to its followers as if it were being written.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;

use crate::clock::Clock;
use crate::db::Db;
use crate::domain::Error;
use crate::domain::entries::{self, Entry, Journal, reflections};
use crate::domain::policy::Scope;
use crate::generation::{GenerationSlots, Options, Place, Prompt, TextGenerator};
use crate::ids::{EntryId, ReflectionId};

use super::writing::{Attempt, Failure, Follower, Writing};

/// Most bytes of a reflection.
const MAX_BYTES: usize = 16 * 1024;

/// How many failures of reflections that nobody followed are remembered, for those who ask later.
const REMEMBERED: usize = 1_000;

/// What a client that does not follow a reflection may ask of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReflectionStatus {
    /// It is being written: the text so far, and the place in line while it waits.
    Running(String, Option<usize>),
    /// It has failed, and nothing was stored.
    Failed(Failure),
}

/// All reflections that are being written or followed on this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reflections(Arc<Inner>);

struct Inner {
    db: Db,
    journal: Journal,
    clock: Clock,
    generator: Arc<dyn TextGenerator>,
    slots: GenerationSlots,
    grace: Duration,
    entries: Mutex<HashMap<EntryId, Weak<Writing<ReflectionId>>>>,
    failures: Mutex<VecDeque<(ReflectionId, Failure)>>,
}

/// The right to begin a reflection, or one that is being written already. Dropping it gives the right up.
pub(crate) struct Reservation {
    id: ReflectionId,
    entry: EntryId,
    attempt: Option<Attempt<ReflectionId>>,
}

impl Reservation {
    /// The reflection.
    pub(crate) fn id(&self) -> ReflectionId {
        self.id
    }
}

/// Whether a stored reflection will do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The newest stored one if there is one, else a new one.
    Any,
    /// A new one.
    New,
}

impl Reflections {
    /// `grace` is how long a reflection that nobody follows any more goes on.
    pub(crate) fn new(
        db: Db,
        journal: Journal,
        clock: Clock,
        generator: Arc<dyn TextGenerator>,
        slots: GenerationSlots,
        grace: Duration,
    ) -> Self {
        let (entries, failures) = Default::default();
        Self(Arc::new(Inner { db, journal, clock, generator, slots, grace, entries, failures }))
    }

    /// Follows the reflection on an entry: the one that is being written, else the newest stored one, else one
    /// that begins now, of which this user may have `per_user` at once.
    ///
    /// # Errors
    /// If the caller does not own the entry.
    pub(crate) async fn follow(
        &self,
        scope: &Scope,
        entry: EntryId,
        per_user: usize,
    ) -> Result<Follower<ReflectionId>, Error> {
        self.authorize(scope, entry).await?;
        let writing = self.writing(entry);
        let follower = writing.follow();
        if writing.is_idle() {
            self.begin(&writing, scope, entry, per_user, Wanted::Any, self.new_id());
        }
        Ok(follower)
    }

    /// Begins a new reflection, whatever is stored. Those who follow the entry follow it.
    ///
    /// # Errors
    /// If the caller does not own the entry, or one is being written already.
    pub(crate) async fn regenerate(
        &self,
        scope: &Scope,
        entry: EntryId,
        per_user: usize,
    ) -> Result<ReflectionId, Error> {
        self.authorize(scope, entry).await?;
        let (writing, id) = (self.writing(entry), self.new_id());
        match self.begin(&writing, scope, entry, per_user, Wanted::New, id) {
            true => Ok(id),
            false => Err(reflections::in_progress()),
        }
    }

    /// Reserves a new reflection that goes on without followers: [`Reflections::begin_reserved`] begins it. While one is
    /// being written, that one goes on without followers instead.
    ///
    /// # Errors
    /// If the caller does not own the entry.
    pub(crate) async fn reserve(&self, scope: &Scope, entry: EntryId) -> Result<Reservation, Error> {
        self.authorize(scope, entry).await?;
        let writing = self.writing(entry);
        loop {
            if let Some(attempt) = writing.begin() {
                return Ok(Reservation { id: self.new_id(), entry, attempt: Some(attempt) });
            }
            if let Some(id) = writing.started().await {
                writing.detach();
                return Ok(Reservation { id, entry, attempt: None });
            }
        }
    }

    /// Begins what was reserved.
    pub(crate) fn begin_reserved(&self, reservation: Reservation, scope: &Scope, per_user: usize) {
        let Reservation { id, entry, attempt } = reservation;
        let Some(attempt) = attempt else { return };
        attempt.detach();
        self.spawn(attempt, Job { of: self.clone(), scope: scope.clone(), entry, per_user, id }, Wanted::New);
    }

    /// Cancels the reflection that is being written on an entry.
    ///
    /// # Errors
    /// If the caller does not own the entry, or none is being written.
    pub(crate) async fn cancel(&self, scope: &Scope, entry: EntryId) -> Result<(), Error> {
        self.authorize(scope, entry).await?;
        match self.writing(entry).cancel() {
            true => Ok(()),
            false => Err(reflections::not_in_progress()),
        }
    }

    /// How a reflection stands that is not stored; `None` if this process does not know it. The caller must
    /// have been authorized for the entry.
    pub(crate) fn status(&self, entry: EntryId, id: ReflectionId) -> Option<ReflectionStatus> {
        let known = lock(&self.0.entries).get(&entry).and_then(Weak::upgrade);
        if let Some((_, text, place)) =
            known.and_then(|writing| writing.progress()).filter(|(of, ..)| *of == id)
        {
            return Some(ReflectionStatus::Running(text, place));
        }
        let failures = lock(&self.0.failures);
        let failed = failures.iter().find(|(of, _)| *of == id)?;
        Some(ReflectionStatus::Failed(failed.1.clone()))
    }

    fn new_id(&self) -> ReflectionId {
        ReflectionId::new(self.0.clock.now())
    }

    async fn authorize(&self, scope: &Scope, entry: EntryId) -> Result<(), Error> {
        let scope = scope.clone();
        self.0.db.read(move |uow| reflections::authorize(uow, &scope, entry)).await
    }

    fn writing(&self, entry: EntryId) -> Arc<Writing<ReflectionId>> {
        let mut entries = lock(&self.0.entries);
        if let Some(writing) = entries.get(&entry).and_then(Weak::upgrade) {
            return writing;
        }
        // Those without followers and attempts are dropped whenever the map would have to grow.
        if entries.len() == entries.capacity() {
            entries.retain(|_, writing| writing.strong_count() > 0);
        }
        let writing = Arc::new(Writing::new());
        entries.insert(entry, Arc::downgrade(&writing));
        writing
    }

    fn begin(
        &self,
        writing: &Arc<Writing<ReflectionId>>,
        scope: &Scope,
        entry: EntryId,
        per_user: usize,
        wanted: Wanted,
        id: ReflectionId,
    ) -> bool {
        let Some(attempt) = writing.begin() else { return false };
        self.spawn(attempt, Job { of: self.clone(), scope: scope.clone(), entry, per_user, id }, wanted);
        true
    }

    fn spawn(&self, attempt: Attempt<ReflectionId>, job: Job, wanted: Wanted) {
        if wanted == Wanted::New {
            // At once, so that whoever is told its id finds it.
            attempt.start(job.id);
        }
        tokio::spawn(async move { job.run(attempt, wanted).await });
    }

    fn remember(&self, id: ReflectionId, failure: Failure) {
        let mut failures = lock(&self.0.failures);
        if failures.len() == REMEMBERED {
            failures.pop_front();
        }
        failures.push_back((id, failure));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One attempt to reflect on an entry.
struct Job {
    of: Reflections,
    scope: Scope,
    entry: EntryId,
    per_user: usize,
    id: ReflectionId,
}

impl Job {
    async fn run(self, attempt: Attempt<ReflectionId>, wanted: Wanted) {
        let entry = match self.load(wanted).await {
            Ok((_, Some(stored))) => {
                attempt.start(stored.id);
                attempt.push(&stored.text);
                return attempt.done();
            }
            Ok((entry, None)) => entry,
            Err(error) => {
                let failure = self.failure(&error);
                return attempt.failed(failure);
            }
        };
        if wanted == Wanted::Any {
            attempt.start(self.id);
        }
        let written = tokio::select! {
            biased;
            stopped = attempt.stopped(self.of.0.grace) => Err(stopped),
            written = self.write(&attempt, &entry) => written,
        };
        // Not interrupted: what is committed is told to the followers.
        let stored = match written {
            Ok(()) => self.store(&entry, attempt.text()).await.map_err(|error| self.failure(&error)),
            Err(failure) => Err(failure),
        };
        match stored {
            Ok(()) => attempt.done(),
            Err(failure) => {
                self.of.remember(self.id, failure.clone());
                attempt.failed(failure);
            }
        }
    }

    async fn load(&self, wanted: Wanted) -> Result<(Entry, Option<reflections::Reflection>), Error> {
        let (scope, journal, id) = (self.scope.clone(), self.of.0.journal.clone(), self.entry);
        self.of
            .0
            .db
            .read(move |uow| {
                let entry = entries::find(uow, &journal, &scope, id)?;
                let stored = match wanted {
                    Wanted::Any => reflections::latest(uow, &journal, &scope, id)?,
                    Wanted::New => None,
                };
                Ok((entry, stored))
            })
            .await
    }

    /// Waits for a slot, then writes.
    async fn write(&self, attempt: &Attempt<ReflectionId>, entry: &Entry) -> Result<(), Failure> {
        let generator = &self.of.0.generator;
        let told = |error| {
            log::info!(
                target: "souk::jobs", entry_id:% = self.entry, reflection_id:% = self.id,
                user_id:% = self.scope.user(), request_id:% = self.scope.call();
                "no reflection was written: {}", describe(&error)
            );
            Failure::from(&error)
        };
        let mut waiting = self.of.0.slots.acquire(self.scope.user(), self.per_user).map_err(told)?;
        let mut place = waiting.place();
        while let Place::InLine(number) = place {
            attempt.waits_at(Some(number));
            place = waiting.moved().await;
        }
        attempt.waits_at(None);
        let _permit = waiting.permit().await;
        let prompt = Prompt::Reflection {
            title: entry.content.title.as_ref().map(|title| title.as_str().to_owned()),
            text: entry.content.text.as_str().to_owned(),
        };
        let mut pieces = generator.generate(prompt, Options { max_bytes: MAX_BYTES, ..Options::default() });
        while let Some(piece) = pieces.next().await {
            attempt.push(&piece.map_err(told)?);
        }
        Ok(())
    }

    async fn store(&self, entry: &Entry, text: String) -> Result<(), Error> {
        let (scope, journal) = (self.scope.clone(), self.of.0.journal.clone());
        let new = reflections::NewReflection {
            id: self.id,
            entry_id: self.entry,
            entry_version: entry.version,
            generator: self.of.0.generator.name(),
            text,
        };
        self.of.0.db.write(move |uow| reflections::create(uow, &journal, &scope, &new)).await
    }

    /// The failure for an error of the domain: the entry is gone, or the database failed.
    fn failure(&self, error: &Error) -> Failure {
        match error {
            Error::NotFound(_) => Failure::new("not_found", "the entry no longer exists"),
            Error::Forbidden { .. } => Failure::new("forbidden", "the entry is not yours"),
            error => {
                log::error!(
                    target: "souk::jobs", entry_id:% = self.entry, reflection_id:% = self.id,
                    request_id:% = self.scope.call();
                    "a reflection could not be stored or read: {error}"
                );
                Failure::INTERNAL
            }
        }
    }
}

fn describe(error: &crate::generation::GenerationError) -> String {
    match error.detail() {
        "" => error.code().to_owned(),
        detail => format!("{}: {detail}", error.code()),
    }
}
