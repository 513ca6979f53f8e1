//! One issuer's keys: cached for `max_age`, fetched once for all concurrent callers, and refetched for an
//! unknown `kid` at most once a minute, so that tokens with made-up key ids cannot make us flood the issuer.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::config::{Entry, IssuerSettings, Source};
use super::fetch::{self, FetchError};
use super::jwks::{BadKeySet, KeySet};
use crate::auth::error::{AuthError, TokenRefusal};
use crate::auth::token::{Algorithm, VerifyingKey};
use crate::clock::{Clock, Timestamp};

/// Least time between two refetches caused by unknown `kid`s.
const REFETCH_PAUSE: Duration = Duration::from_secs(60);
/// Least time between two attempts while the issuer is unreachable.
const RETRY_PAUSE: Duration = Duration::from_secs(5);
/// How long a `kid` that a refetch did not contain counts as unknown without asking again.
const UNKNOWN_FOR: Duration = Duration::from_secs(5 * 60);
/// How many unknown `kid`s are remembered; `REFETCH_PAUSE` bounds what forgetting one costs.
const MAX_UNKNOWN: usize = 64;

type Fetch = dyn Fn() -> Result<Vec<u8>, FetchError> + Send + Sync;

/// The cached keys of one issuer.
pub(super) struct Keys {
    iss: Arc<str>,
    clock: Clock,
    /// How long a key that the issuer has withdrawn may still be accepted.
    max_age: Duration,
    /// `None`: the keys are configured and never change.
    fetch: Option<Arc<Fetch>>,
    state: Arc<RwLock<State>>,
    /// Held during a fetch until its result is in `state`, even if the request that started it was dropped.
    flight: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    keys: Arc<KeySet>,
    fetched_at: Option<Timestamp>,
    attempted_at: Option<Timestamp>,
    /// When an unknown `kid` last caused a refetch.
    refetched_at: Option<Timestamp>,
    unknown: VecDeque<(String, Timestamp)>,
}

/// What the cache knows about a key.
enum Cached {
    Known(VerifyingKey),
    Unknown,
    /// Not in the cache: the issuer must be asked.
    Ask,
    /// The last attempt failed less than `RETRY_PAUSE` ago.
    Unreachable,
}

impl Keys {
    pub(super) fn new(entry: &Entry, settings: &IssuerSettings, clock: Clock) -> Self {
        let iss = entry.iss.clone();
        match entry.source.clone() {
            Source::Pem(key) => {
                let state = State { keys: Arc::new(KeySet::of_one(key)), ..State::default() };
                let state = Arc::new(RwLock::new(state));
                Self { iss, clock, max_age: settings.max_age, fetch: None, state, flight: Arc::default() }
            }
            Source::JwksFile(path) => {
                Self::fetched(iss, clock, settings.max_age, Arc::new(move || fetch::from_file(&path)))
            }
            Source::JwksUrl(url) => {
                let client = fetch::client(&url, settings.timeout);
                Self::fetched(iss, clock, settings.max_age, Arc::new(move || fetch::from_url(&client, &url)))
            }
        }
    }

    fn fetched(iss: Arc<str>, clock: Clock, max_age: Duration, fetch: Arc<Fetch>) -> Self {
        Self { iss, clock, max_age, fetch: Some(fetch), state: Arc::default(), flight: Arc::default() }
    }

    /// The key that verifies a token with this `kid` and algorithm; fetches the set if the cache cannot
    /// answer.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<VerifyingKey, AuthError> {
        let Some(fetch) = &self.fetch else {
            return self
                .read(|state| state.keys.find(kid, algorithm).cloned())
                .ok_or(TokenRefusal::UnknownKey.into());
        };
        if let Some(answer) = self.cached(kid, algorithm).settled() {
            return answer;
        }
        let flight = self.flight.clone().lock_owned().await;
        // The previous holder of `flight` may have fetched the key, or found that there is none.
        if let Some(answer) = self.cached(kid, algorithm).settled() {
            return answer;
        }
        let (state, clock, iss, fetch) =
            (self.state.clone(), self.clock.clone(), self.iss.clone(), fetch.clone());
        let fetching = tokio::task::spawn_blocking(move || {
            let fetched = fetch();
            let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
            state.arrived(fetched, &iss, clock.now());
            drop(flight);
        });
        fetching.await.map_err(|panicked| AuthError::Internal(Box::new(panicked)))?;
        self.remember_if_unknown(kid, algorithm);
        match self.cached(kid, algorithm) {
            Cached::Known(key) => Ok(key),
            Cached::Unknown | Cached::Ask => Err(TokenRefusal::UnknownKey.into()),
            Cached::Unreachable => Err(unreachable()),
        }
    }

    fn cached(&self, kid: Option<&str>, algorithm: Algorithm) -> Cached {
        let now = self.clock.now();
        self.read(|state| state.look_up(kid, algorithm, now, self.max_age))
    }

    fn read<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn remember_if_unknown(&self, kid: Option<&str>, algorithm: Algorithm) {
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(kid) = kid
            && state.is_fresh(now, self.max_age)
            && state.keys.find(Some(kid), algorithm).is_none()
        {
            state.refetched_at = Some(now);
            state.unknown.retain(|(known, _)| known != kid);
            state.unknown.push_back((kid.to_owned(), now));
            if state.unknown.len() > MAX_UNKNOWN {
                state.unknown.pop_front();
            }
        }
    }
}

impl Cached {
    fn settled(self) -> Option<Result<VerifyingKey, AuthError>> {
        match self {
            Self::Known(key) => Some(Ok(key)),
            Self::Unknown => Some(Err(TokenRefusal::UnknownKey.into())),
            Self::Unreachable => Some(Err(unreachable())),
            Self::Ask => None,
        }
    }
}

fn unreachable() -> AuthError {
    AuthError::Overloaded { retry_after: RETRY_PAUSE }
}

impl State {
    fn is_fresh(&self, now: Timestamp, max_age: Duration) -> bool {
        self.fetched_at.is_some_and(|at| now < at.plus(max_age))
    }

    fn look_up(&self, kid: Option<&str>, algorithm: Algorithm, now: Timestamp, max_age: Duration) -> Cached {
        let within = |at: Option<Timestamp>, pause| at.is_some_and(|at| now < at.plus(pause));
        let fresh = self.is_fresh(now, max_age);
        if let Some(key) = self.keys.find(kid, algorithm).filter(|_| fresh) {
            return Cached::Known(key.clone());
        }
        if !fresh {
            return if within(self.attempted_at, RETRY_PAUSE) { Cached::Unreachable } else { Cached::Ask };
        }
        let asked_for =
            |kid: &str| self.unknown.iter().any(|(known, at)| known == kid && within(Some(*at), UNKNOWN_FOR));
        match kid {
            // Without a `kid`, fetching again would not make the choice less ambiguous.
            None => Cached::Unknown,
            Some(kid) if asked_for(kid) => Cached::Unknown,
            Some(_) if within(self.refetched_at, REFETCH_PAUSE) => Cached::Unknown,
            Some(_) if within(self.attempted_at, RETRY_PAUSE) && self.attempted_at != self.fetched_at => {
                Cached::Unknown
            }
            Some(_) => Cached::Ask,
        }
    }

    fn arrived(&mut self, fetched: Result<Vec<u8>, FetchError>, iss: &str, now: Timestamp) {
        let parsed = fetched.map_err(Unusable::from).and_then(|json| Ok(KeySet::parse(&json, iss)?));
        self.attempted_at = Some(now);
        match parsed {
            Ok(keys) => {
                self.keys = Arc::new(keys);
                self.fetched_at = Some(now);
            }
            Err(error) => log::warn!(iss = iss, error:% = error; "the issuer's key set is out of reach"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Set(#[from] BadKeySet),
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.iss)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const MAX_AGE: Duration = Duration::from_secs(5 * 60);
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    /// An issuer that publishes `kids` and counts its fetches; an empty list is an outage.
    struct Publisher {
        kids: std::sync::Mutex<Vec<&'static str>>,
        asked: AtomicUsize,
    }

    fn cast(kids: &[&'static str]) -> (Arc<Publisher>, Keys, Clock) {
        let publisher = Arc::new(Publisher { kids: kids.to_vec().into(), asked: AtomicUsize::new(0) });
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000).unwrap());
        let asked = publisher.clone();
        let fetch = move || {
            asked.asked.fetch_add(1, Ordering::SeqCst);
            let kids = asked.kids.lock().unwrap();
            if kids.is_empty() {
                return Err(FetchError::TooLarge);
            }
            let keys: Vec<_> = kids
                .iter()
                .map(|kid| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}","kid":"{kid}"}}"#))
                .collect();
            Ok(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).into_bytes())
        };
        let keys = Keys::fetched(Arc::from("issuer"), clock.clone(), MAX_AGE, Arc::new(fetch));
        (publisher, keys, clock)
    }

    async fn outcome(keys: &Keys, kid: &str) -> &'static str {
        keys.find(Some(kid), Algorithm::EdDSA).await.map_or_else(|e| e.code(), |_| "found")
    }

    #[tokio::test]
    async fn a_set_is_fetched_once_and_again_after_five_minutes() {
        let (publisher, keys, clock) = cast(&["a"]);
        for _ in 0..3 {
            assert_eq!(outcome(&keys, "a").await, "found");
        }
        assert_eq!(publisher.asked.load(Ordering::SeqCst), 1);
        clock.advance(MAX_AGE);
        *publisher.kids.lock().unwrap() = vec!["b"];
        assert_eq!(outcome(&keys, "a").await, "unknown_key", "a withdrawn key is not believed any more");
        assert_eq!(outcome(&keys, "b").await, "found");
        assert_eq!(publisher.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_new_key_is_found_by_one_refetch() {
        let (publisher, keys, _clock) = cast(&["a"]);
        assert_eq!(outcome(&keys, "a").await, "found");
        *publisher.kids.lock().unwrap() = vec!["a", "b"];
        assert_eq!(outcome(&keys, "b").await, "found");
        assert_eq!(publisher.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn made_up_keys_cost_the_issuer_one_fetch_a_minute() {
        let (publisher, keys, clock) = cast(&["a"]);
        assert_eq!(outcome(&keys, "a").await, "found");
        for kid in ["x", "y", "z", "x"] {
            assert_eq!(outcome(&keys, kid).await, "unknown_key");
        }
        assert_eq!(publisher.asked.load(Ordering::SeqCst), 2);
        clock.advance(REFETCH_PAUSE);
        assert_eq!(outcome(&keys, "x").await, "unknown_key", "remembered as unknown: no fetch");
        assert_eq!(publisher.asked.load(Ordering::SeqCst), 2);
        assert_eq!(outcome(&keys, "y").await, "unknown_key");
        assert_eq!(publisher.asked.load(Ordering::SeqCst), 3);
        assert_eq!(outcome(&keys, "a").await, "found");
    }

    #[tokio::test]
    async fn an_outage_is_no_verdict_and_is_retried_after_a_pause() {
        let (publisher, keys, clock) = cast(&[]);
        assert_eq!(outcome(&keys, "a").await, "overloaded");
        assert_eq!(outcome(&keys, "a").await, "overloaded");
        assert_eq!(publisher.asked.load(Ordering::SeqCst), 1);
        *publisher.kids.lock().unwrap() = vec!["a"];
        clock.advance(RETRY_PAUSE);
        assert_eq!(outcome(&keys, "a").await, "found");
    }

    #[tokio::test]
    async fn many_who_ask_at_once_cause_one_fetch() {
        let (publisher, keys, _clock) = cast(&["a"]);
        let asking = (0..20).map(|_| outcome(&keys, "a"));
        let answers = futures_util::future::join_all(asking).await;
        assert!(answers.iter().all(|answer| *answer == "found"));
        assert_eq!(publisher.asked.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn unknown_keys_are_remembered_within_bounds() {
        let (_publisher, keys, clock) = cast(&["a"]);
        keys.state.write().unwrap().fetched_at = Some(clock.now());
        for n in 0..MAX_UNKNOWN * 2 {
            keys.remember_if_unknown(Some(&n.to_string()), Algorithm::EdDSA);
        }
        assert_eq!(keys.state.read().unwrap().unknown.len(), MAX_UNKNOWN);
    }
}
