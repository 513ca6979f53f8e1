//! Passwords: what is accepted as one, and Argon2id off the event loop, with a bound on concurrent
//! computations.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;

use super::argon2id::{self, BufferPool, Memory};

/// A chosen password: 8 to 128 characters of any kind (NIST SP 800-63B, section 5.1.1.2).
pub struct NewPassword(PasswordInput);

/// A password as entered at login. Any text is accepted as input; one that is too long to be a password never
/// matches.
#[derive(Clone)]
pub(crate) struct PasswordInput(Option<Arc<str>>);

/// The text is too short or too long for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 8 to 128 characters")]
pub struct UnfitPassword;

const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

impl NewPassword {
    /// Normalizes to NFC, so that different keyboards yield the same text, and checks the length.
    pub fn parse(text: &str) -> Result<Self, UnfitPassword> {
        let fits = PasswordInput::new(text).0.filter(|text| LENGTH.contains(&text.chars().count()));
        fits.map(|text| Self(PasswordInput(Some(text)))).ok_or(UnfitPassword)
    }

    /// Generates a password of 144 random bits, and returns its text as well: 24 characters.
    pub(crate) fn generate() -> Result<(Self, String), rand::rngs::SysError> {
        let mut bytes = [0; 18];
        SysRng.try_fill_bytes(&mut bytes)?;
        let text = URL_SAFE_NO_PAD.encode(bytes);
        Ok((Self(PasswordInput(Some(text.as_str().into()))), text))
    }
}

impl PasswordInput {
    /// Normalizes in the same way as [`NewPassword::parse`].
    pub(crate) fn new(text: &str) -> Self {
        // A character has at most 4 bytes, and NFC at most triples them: anything longer cannot be a valid
        // password.
        let tolerated = text.len() <= LENGTH.end() * 12;
        Self(tolerated.then(|| text.nfc().collect::<String>().into()))
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(***)")
    }
}

impl fmt::Debug for PasswordInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(***)")
    }
}

/// Why a hash was not computed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashError {
    /// The queue is full.
    #[error("too many password hashes are waiting")]
    Overloaded,
    /// The stored hash is malformed, or there was no randomness for the salt: a server-side failure.
    #[error("cannot hash: {0}")]
    Broken(String),
}

/// Hashes and verifies passwords. Each hash costs 19 MiB and tens of milliseconds on purpose, which makes
/// logins a target for flooding: so a few run, some wait, and further ones are refused.
#[derive(Debug)]
pub(crate) struct Passwords {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    buffers: Arc<BufferPool>,
}

/// A reserved place in the queue for one hash.
#[derive(Debug)]
pub(crate) struct Place(OwnedSemaphorePermit);

/// Verified against when there is no such user, so that the response takes the same time.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3MgZmluZSBzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Passwords {
    /// `running` hashes at once, `waiting` more in the queue.
    pub(crate) fn new(running: usize, waiting: usize) -> Self {
        let admitted = running.saturating_add(waiting).min(Semaphore::MAX_PERMITS);
        Self {
            running: Arc::new(Semaphore::new(running)),
            admitted: Arc::new(Semaphore::new(admitted)),
            buffers: Arc::default(),
        }
    }

    /// Frees the memory of hashes if none ran since the last call.
    pub(crate) fn free_unused(&self) {
        self.buffers.free_unused();
    }

    /// Reserves a place in the queue.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] if the queue is full.
    pub(crate) fn reserve(&self) -> Result<Place, HashError> {
        self.admitted.clone().try_acquire_owned().map(Place).map_err(|_| HashError::Overloaded)
    }

    /// Computes the hash to store, in PHC string form.
    pub(crate) async fn hash(&self, password: NewPassword) -> Result<String, HashError> {
        self.hash_at(self.reserve()?, password).await
    }

    /// The same, with a place reserved before.
    pub(crate) async fn hash_at(&self, place: Place, password: NewPassword) -> Result<String, HashError> {
        let NewPassword(PasswordInput(Some(text))) = password else {
            return Err(HashError::Broken("no password".into()));
        };
        self.run(place, move |memory| argon2id::hash(text.as_bytes(), memory)).await
    }

    /// Whether the password matches the hash. `None` (no such user) never matches, and takes the same time.
    pub(crate) async fn verify(
        &self,
        place: Place,
        attempt: PasswordInput,
        hash: Option<String>,
    ) -> Result<bool, HashError> {
        self.run(place, move |memory| {
            let text = attempt.0.as_deref().unwrap_or_default();
            let equal = argon2id::verify(text.as_bytes(), hash.as_deref().unwrap_or(NOBODY), memory)?;
            Ok(equal && hash.is_some() && attempt.0.is_some())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        Place(admitted): Place,
        work: impl FnOnce(&mut Memory) -> Result<T, argon2::password_hash::Error> + Send + 'static,
    ) -> Result<T, HashError> {
        let closed = |_| HashError::Broken("closed".into());
        let running = self.running.clone().acquire_owned().await.map_err(closed)?;
        // The permits are held by the thread: a caller who disconnects does not make room for another.
        let buffers = self.buffers.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _places = (admitted, running);
            buffers.lend(work)
        });
        let done = done.await.map_err(|panicked| HashError::Broken(panicked.to_string()))?;
        done.map_err(|error| HashError::Broken(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(text: &str) -> NewPassword {
        NewPassword::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_password_is_right_and_others_are_not() {
        let passwords = Passwords::new(1, 1);
        let hash = passwords.hash(new("cafe\u{301} au lait")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let right = |text: &str, hash: &str| {
            passwords.verify(passwords.reserve().unwrap(), PasswordInput::new(text), Some(hash.to_owned()))
        };
        assert!(right("café au lait", &hash).await.unwrap());
        assert!(!right("cafe au lait", &hash).await.unwrap());
        assert!(!right(&"x".repeat(10_000), &hash).await.unwrap());
        assert!(matches!(right("x", "not a hash").await, Err(HashError::Broken(_))));
    }

    #[tokio::test]
    async fn nobody_has_no_password_but_takes_as_much_work() {
        let passwords = Passwords::new(1, 1);
        for text in ["", "password"] {
            let place = passwords.reserve().unwrap();
            assert!(!passwords.verify(place, PasswordInput::new(text), None).await.unwrap());
        }
        let real = passwords.hash(new("password")).await.unwrap();
        let parameters = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(parameters(NOBODY), parameters(&real));
        assert_eq!(
            NOBODY.len(),
            real.len() + NOBODY.split('$').nth(4).unwrap().len() - real.split('$').nth(4).unwrap().len()
        );
    }

    #[tokio::test]
    async fn what_exceeds_the_line_is_shed() {
        let passwords = Passwords::new(1, 1);
        let _all = passwords.admitted.clone().acquire_many_owned(2).await.unwrap();
        assert!(matches!(passwords.reserve(), Err(HashError::Overloaded)));
        assert!(matches!(passwords.hash(new("password")).await, Err(HashError::Overloaded)));
    }

    #[test]
    fn passwords_are_measured_in_characters_and_not_shown() {
        assert!(NewPassword::parse("pässwörd").is_ok());
        assert!(NewPassword::parse("pässwör").is_err());
        assert!(NewPassword::parse(&"ä".repeat(128)).is_ok());
        assert!(NewPassword::parse(&"ä".repeat(129)).is_err());
        assert_eq!(
            format!("{:?}{:?}", new("hunter22"), PasswordInput::new("x")),
            "NewPassword(***)Attempt(***)"
        );
    }
}
