//! When a right last ended, or the row of a user last changed: what decides whether something that was read is
//! still current.
//!
//! No list of them is kept. Invalidations are numbered, and each user, login and token has one of a fixed number of
//! slots, which holds the number of the last invalidation there. What was read is current while none of its slots
//! has a higher number than the one that was the newest before the read began. A read that began before a commit
//! and ends after it is therefore never current, in whatever order it and the invalidation arrive. Two that share a
//! slot cost each other a read now and then.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::domain::policy::Scope;
use crate::events::{Committed, Publisher, Revocation};
use crate::ids::{LoginId, TokenId, UserId};

/// Slots of users, logins and tokens together.
const SLOTS: usize = 4096;

/// Others' commits must have been followed up to this long ago, or nothing is taken to be current: by then a right
/// may have ended elsewhere. It is the bound that `docs/operations.md` states: this long after a commit, every
/// server acts on it.
pub(crate) const FOLLOWED_WITHIN: Duration = Duration::from_secs(1);

/// How long others' commits are waited for at most: longer than a poll takes on a server that has too much to do.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The numbered invalidations of one server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Invalidations(Arc<Inner>);

struct Inner {
    /// The number of the newest invalidation.
    newest: AtomicU64,
    /// The number of the newest one that concerned everybody.
    everybody: AtomicU64,
    slots: Vec<AtomicU64>,
    hasher: RandomState,
    started: Instant,
    /// Up to when others' commits have been followed, in microseconds after `started`; 0 if never.
    followed: AtomicU64,
    /// Told whenever that was.
    has_followed: Notify,
}

/// A moment between two invalidations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(u64);

/// The slots of the rights that something depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dependencies([Option<usize>; 6]);

#[derive(Hash)]
enum Subject<'a> {
    User(UserId),
    Login(LoginId),
    Token(Option<&'a str>, &'a TokenId),
}

impl Default for Invalidations {
    fn default() -> Self {
        Self(Arc::new(Inner {
            newest: AtomicU64::new(0),
            everybody: AtomicU64::new(0),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            started: Instant::now(),
            followed: AtomicU64::new(0),
            has_followed: Notify::new(),
        }))
    }
}

impl Invalidations {
    /// Takes in rights that ended and users that changed. To be called after their commit and before anybody is
    /// told of it.
    pub(crate) fn note(&self, revocations: &[Revocation]) {
        for revocation in revocations {
            match revocation {
                Revocation::Token { issuer, jti, .. } => self.bump(&Subject::Token(issuer.as_deref(), jti)),
                Revocation::Login { sid, .. } => self.bump(&Subject::Login(*sid)),
                Revocation::OtherLogins { user, .. } | Revocation::User { user, .. } => {
                    self.bump(&Subject::User(*user));
                }
                // Who somebody is does not depend on these.
                Revocation::Connection { .. } | Revocation::Membership { .. } => {}
            }
        }
    }

    /// Nothing that was read before is current any more: something was missed.
    pub(crate) fn note_everybody(&self) {
        self.0.everybody.fetch_max(self.next(), Ordering::SeqCst);
    }

    /// Whatever other processes had committed before `at` has been noted.
    pub(crate) fn followed(&self, at: Instant) {
        let micros = at.saturating_duration_since(self.0.started).as_micros();
        self.0.followed.fetch_max(u64::try_from(micros).unwrap_or(u64::MAX).max(1), Ordering::SeqCst);
        self.0.has_followed.notify_waiters();
    }

    /// Waits until rights that ended elsewhere are known here, for some seconds at most; returns whether they are.
    ///
    /// They are at once, but in a process that lost the database or did not run for a while.
    pub(crate) async fn wait_until_followed(&self) -> bool {
        let followed = async {
            loop {
                // Listens from here on: what is told between the question and the wait is not missed.
                let told = self.0.has_followed.notified();
                if self.are_followed() {
                    return;
                }
                told.await;
            }
        };
        self.are_followed() || timeout(LONGEST_WAIT, followed).await.is_ok()
    }

    /// The publisher that notes what this process commits, and then tells `next`.
    pub(crate) fn before(&self, next: Arc<dyn Publisher>) -> Arc<dyn Publisher> {
        Arc::new(NoteFirst { invalidations: self.clone(), next })
    }

    /// To be asked before a read begins.
    pub(super) fn moment(&self) -> Moment {
        Moment(self.0.newest.load(Ordering::SeqCst))
    }

    /// What the caller's token depends on: its user, its login, and itself; and those of an admin who views as the
    /// user.
    pub(super) fn dependencies(&self, scope: &Scope) -> Dependencies {
        let of = |subject: &Subject<'_>| Some(self.slot(subject));
        let of_login = |login: Option<LoginId>| login.and_then(|login| of(&Subject::Login(login)));
        let viewer = scope.viewer();
        Dependencies([
            of(&Subject::User(scope.user())),
            of_login(scope.login()),
            of(&Subject::Token(scope.issuer().map(|issuer| &**issuer), scope.token())),
            viewer.and_then(|viewer| of(&Subject::User(viewer.user))),
            viewer.and_then(|viewer| of_login(viewer.login)),
            viewer.and_then(|viewer| of(&Subject::Token(viewer.issuer.as_deref(), &viewer.token))),
        ])
    }

    /// Whether what was read after `since` is still so.
    pub(super) fn is_current(&self, dependencies: &Dependencies, since: Moment) -> bool {
        let no_later = |number: &AtomicU64| number.load(Ordering::SeqCst) <= since.0;
        let mut slots = dependencies.0.iter().flatten().filter_map(|slot| self.0.slots.get(*slot));
        slots.all(no_later) && no_later(&self.0.everybody)
    }

    /// Whether rights that ended elsewhere are known here.
    pub(super) fn are_followed(&self) -> bool {
        self.behind().is_some_and(|behind| behind <= FOLLOWED_WITHIN)
    }

    /// How far behind others' commits this process is at most; `None` if it has never followed them.
    pub(crate) fn behind(&self) -> Option<Duration> {
        match self.0.followed.load(Ordering::SeqCst) {
            0 => None,
            micros => Some((self.0.started + Duration::from_micros(micros)).elapsed()),
        }
    }

    fn bump(&self, subject: &Subject<'_>) {
        let number = self.next();
        if let Some(slot) = self.0.slots.get(self.slot(subject)) {
            slot.fetch_max(number, Ordering::SeqCst);
        }
    }

    fn next(&self) -> u64 {
        self.0.newest.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn slot(&self, subject: &Subject<'_>) -> usize {
        let hash = self.0.hasher.hash_one(subject);
        usize::try_from(hash % SLOTS as u64).unwrap_or_default()
    }
}

struct NoteFirst {
    invalidations: Invalidations,
    next: Arc<dyn Publisher>,
}

impl Publisher for NoteFirst {
    fn publish(&self, committed: Committed) {
        self.invalidations.note(&committed.revocations);
        self.next.publish(committed);
    }

    fn publish_if_committed(&self, uncertain: Committed) {
        self.invalidations.note(&uncertain.revocations);
        self.next.publish_if_committed(uncertain);
    }
}
