//! Reflections on journal entries: at most one at a time is written on an entry, however many sessions follow
//! it. A stored one is replayed to its followers as if it were being written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::db::Db;
use crate::domain::Error;
use crate::domain::entries::{self, Entry, Journal, reflections};
use crate::domain::policy::Scope;
use crate::generation::Prompt;
use crate::ids::{EntryId, ReflectionId, UserId};

use super::texts::Texts;
use super::writer::{Writer, describe};
use super::writing::{Attempt, Failure, Follower, Writing, WritingStatus};

/// Most bytes of a reflection.
const MAX_BYTES: usize = 16 * 1024;

/// How many reflections one user may have begun without followers that have not ended.
const ORDERED_PER_USER: usize = 8;

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
    writer: Writer,
    grace: Duration,
    texts: Texts<EntryId, ReflectionId>,
    /// Reflections that were begun without followers and have not ended, with their users.
    ordered: Mutex<HashMap<ReflectionId, (UserId, EntryId)>>,
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
    pub(crate) fn new(db: Db, journal: Journal, clock: Clock, writer: Writer, grace: Duration) -> Self {
        let (texts, ordered) = Default::default();
        Self(Arc::new(Inner { db, journal, clock, writer, grace, texts, ordered }))
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
        let writing = self.0.texts.writing(entry);
        let told = match writing.status() {
            WritingStatus::Done(id) => Some(id),
            WritingStatus::Busy | WritingStatus::Nothing => None,
        };
        let of_caller = scope.clone();
        let is_there = self.0.db.read(move |uow| {
            reflections::authorize(uow, &of_caller, entry)?;
            told.map_or(Ok(false), |id| reflections::exists(uow, entry, id))
        });
        let is_there = is_there.await?;
        // The text that is known here may have failed, or have been deleted since.
        if !is_there {
            self.begin(&writing, scope, entry, per_user, Wanted::Any, self.new_id());
        }
        Ok(writing.follow())
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
        let (writing, id) = (self.0.texts.writing(entry), self.new_id());
        match self.begin(&writing, scope, entry, per_user, Wanted::New, id) {
            true => Ok(id),
            false => Err(reflections::in_progress()),
        }
    }

    /// Has a new reflection written with this id, which goes on without followers; after the one that is being
    /// written, if there is one. Does nothing for an id that this process has been given already.
    ///
    /// # Errors
    /// If too many of the user's wait already.
    pub(crate) fn begin_detached(
        &self,
        scope: &Scope,
        entry: EntryId,
        per_user: usize,
        id: ReflectionId,
    ) -> Result<(), Error> {
        if self.status(entry, id).is_some() {
            return Ok(());
        }
        let ordered = Ordered::add(self, scope.user(), entry, id)?;
        let (of, scope) = (self.clone(), scope.clone());
        tokio::spawn(async move {
            let writing = of.0.texts.writing(entry);
            let attempt = loop {
                match writing.begin() {
                    Some(attempt) => break attempt,
                    None => writing.idle().await,
                }
            };
            attempt.detach();
            attempt.start(id);
            Job { of, scope, entry, per_user, id }.run(attempt, Wanted::New).await;
            drop(ordered);
        });
        Ok(())
    }

    /// Ends what is being written on an entry that was deleted, and tells its followers.
    pub(crate) fn entry_deleted(&self, entry: EntryId) {
        let Some(writing) = self.0.texts.known(entry) else { return };
        if !writing.cancel(Failure::ENTRY_DELETED)
            && let Some(attempt) = writing.begin()
        {
            attempt.failed(Failure::ENTRY_DELETED);
        }
    }

    /// Cancels the reflection that is being written on an entry.
    ///
    /// # Errors
    /// If the caller does not own the entry, or none is being written.
    pub(crate) async fn cancel(&self, scope: &Scope, entry: EntryId) -> Result<(), Error> {
        self.authorize(scope, entry).await?;
        match self.0.texts.writing(entry).cancel(Failure::CANCELLED) {
            true => Ok(()),
            false => Err(reflections::not_in_progress()),
        }
    }

    /// How a reflection stands that is not stored; `None` if this process does not know it. The caller must
    /// have been authorized for the entry.
    pub(crate) fn status(&self, entry: EntryId, id: ReflectionId) -> Option<ReflectionStatus> {
        if let Some((_, text, place)) = self.0.texts.progress(entry).filter(|(of, ..)| *of == id) {
            return Some(ReflectionStatus::Running(text, place));
        }
        if lock(&self.0.ordered).get(&id).is_some_and(|(_, of)| *of == entry) {
            return Some(ReflectionStatus::Running(String::new(), None));
        }
        self.0.texts.failure(entry, |failed| *failed == id).map(ReflectionStatus::Failed)
    }

    /// An id for a new reflection.
    pub(crate) fn new_id(&self) -> ReflectionId {
        ReflectionId::new(self.0.clock.now())
    }

    async fn authorize(&self, scope: &Scope, entry: EntryId) -> Result<(), Error> {
        let scope = scope.clone();
        self.0.db.read(move |uow| reflections::authorize(uow, &scope, entry)).await
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
        if wanted == Wanted::New {
            // At once, so that whoever is told its id finds it.
            attempt.start(id);
        }
        let job = Job { of: self.clone(), scope: scope.clone(), entry, per_user, id };
        tokio::spawn(async move { job.run(attempt, wanted).await });
        true
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
        match self.outcome(&attempt, wanted).await {
            Ok(()) => attempt.done(),
            Err(failure) => {
                self.of.0.texts.remember(self.entry, self.scope.user(), self.id, failure.clone());
                attempt.failed(failure);
            }
        }
    }

    async fn outcome(&self, attempt: &Attempt<ReflectionId>, wanted: Wanted) -> Result<(), Failure> {
        let (entry, stored) = self.load(wanted).await.map_err(|error| self.failure(&error))?;
        if let Some(stored) = stored {
            attempt.start(stored.id);
            attempt.push(&stored.text);
            return attempt.store();
        }
        if wanted == Wanted::Any {
            attempt.start(self.id);
        }
        tokio::select! {
            biased;
            stopped = attempt.stopped(self.of.0.grace) => return Err(stopped),
            written = self.write(attempt, &entry) => written?,
        }
        // Not interrupted from here on: what is committed is told to the followers.
        attempt.store()?;
        self.store(&entry, attempt.text()).await.map_err(|error| self.failure(&error))
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
        let told = |error| {
            log::info!(
                target: "souk::jobs", entry_id:% = self.entry, reflection_id:% = self.id,
                user_id:% = self.scope.user(), request_id:% = self.scope.call();
                "no reflection was written: {}", describe(&error)
            );
            Failure::from(&error)
        };
        let prompt = Prompt::Reflection {
            title: entry.content.title.as_ref().map(|title| title.as_str().to_owned()),
            text: entry.content.text.as_str().to_owned(),
        };
        let writer = &self.of.0.writer;
        let turn = writer.turn(attempt, self.scope.user(), self.per_user).await.map_err(told)?;
        writer.write(attempt, turn, prompt, MAX_BYTES).await.map_err(told)
    }

    async fn store(&self, entry: &Entry, text: String) -> Result<(), Error> {
        let (scope, journal) = (self.scope.clone(), self.of.0.journal.clone());
        let new = reflections::NewReflection {
            id: self.id,
            entry_id: self.entry,
            entry_version: entry.version,
            generator: self.of.0.writer.name(),
            text,
        };
        self.of.0.db.write(move |uow| reflections::create(uow, &journal, &scope, &new)).await
    }

    /// The failure for an error of the domain: the entry is gone, or the database failed.
    fn failure(&self, error: &Error) -> Failure {
        match error {
            Error::NotFound(_) => Failure::ENTRY_DELETED,
            Error::Forbidden { .. } => {
                Failure::new("forbidden", "the entry is not yours, or you are suspended")
            }
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

/// A reflection that was begun without followers, counted until it has ended.
struct Ordered {
    of: Reflections,
    id: ReflectionId,
}

impl Ordered {
    fn add(of: &Reflections, user: UserId, entry: EntryId, id: ReflectionId) -> Result<Self, Error> {
        let mut ordered = lock(&of.0.ordered);
        if ordered.values().filter(|(by, _)| *by == user).count() >= ORDERED_PER_USER {
            return Err(reflections::too_many());
        }
        ordered.insert(id, (user, entry));
        Ok(Self { of: of.clone(), id })
    }
}

impl Drop for Ordered {
    fn drop(&mut self) {
        lock(&self.of.0.ordered).remove(&self.id);
    }
}
