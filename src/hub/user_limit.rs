//! The number of connections of each user, on all worker threads together.
//!
//! A permit is acquired during the handshake, before anything is upgraded or registered, and released when it
//! is dropped. So the limit holds however many handshakes race, and a refused one costs nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::ids::UserId;

/// Why no permit was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The user has as many connections as the plan allows.
    #[error("the user has as many connections as it may")]
    LimitReached,
    /// The server is shutting down, or cut off from its database.
    #[error("the server closes its connections")]
    Draining,
}

/// A reservation for one connection of a user. Dropping it releases it.
#[derive(Debug)]
pub struct UserPermit {
    user_limits: Arc<UserLimits>,
    user: UserId,
}

impl Drop for UserPermit {
    fn drop(&mut self) {
        self.user_limits.release(self.user);
    }
}

#[derive(Debug, Default)]
pub(super) struct UserLimits {
    state: Mutex<State>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    of_user: HashMap<UserId, usize>,
    total: usize,
    closed: bool,
}

impl UserLimits {
    pub(super) fn acquire(self: &Arc<Self>, user: UserId, at_most: usize) -> Result<UserPermit, LimitError> {
        let mut state = self.lock();
        if state.closed {
            return Err(LimitError::Draining);
        }
        if state.of_user.get(&user).copied().unwrap_or(0) >= at_most {
            return Err(LimitError::LimitReached);
        }
        *state.of_user.entry(user).or_default() += 1;
        state.total += 1;
        Ok(UserPermit { user_limits: self.clone(), user })
    }

    fn release(&self, user: UserId) {
        let mut state = self.lock();
        state.total = state.total.saturating_sub(1);
        if let Some(count) = state.of_user.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                state.of_user.remove(&user);
            }
        }
        if state.total == 0 {
            self.emptied.notify_waiters();
        }
    }

    pub(super) fn of(&self, user: UserId) -> usize {
        self.lock().of_user.get(&user).copied().unwrap_or(0)
    }

    pub(super) fn total(&self) -> usize {
        self.lock().total
    }

    pub(super) fn users(&self) -> usize {
        self.lock().of_user.len()
    }

    /// Refuses all permits until [`UserLimits::open`].
    pub(super) fn close(&self) {
        self.lock().closed = true;
    }

    /// Gives permits again.
    pub(super) fn open(&self) {
        self.lock().closed = false;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Completes when no permit is held any more.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            // Register for the notification before reading the count, or a permit released in between would
            // be missed.
            emptied.as_mut().enable();
            if self.total() == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave a count half-changed, so a poisoned lock can be used.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u64) -> UserId {
        format!("01890a5d-ac96-774b-bcce-{n:012}").parse().unwrap()
    }

    #[test]
    fn a_user_has_as_many_seats_as_the_plan_allows_and_gets_them_back() {
        let user_limits = Arc::new(UserLimits::default());
        let first = user_limits.acquire(user(1), 2).unwrap();
        let _second = user_limits.acquire(user(1), 2).unwrap();
        assert_eq!(user_limits.acquire(user(1), 2).unwrap_err(), LimitError::LimitReached);
        assert!(user_limits.acquire(user(2), 2).is_ok(), "others are not affected");
        drop(first);
        assert_eq!(user_limits.of(user(1)), 1);
        assert!(user_limits.acquire(user(1), 2).is_ok());
        assert_eq!((user_limits.total(), user_limits.users()), (1, 1), "what was not kept was given back");
    }

    #[test]
    fn nobody_is_seated_while_the_server_stops() {
        let user_limits = Arc::new(UserLimits::default());
        user_limits.close();
        assert_eq!(user_limits.acquire(user(1), 2).unwrap_err(), LimitError::Draining);
    }

    #[actix_web::test]
    async fn the_last_one_to_leave_ends_the_wait() {
        let user_limits = Arc::new(UserLimits::default());
        let user_permit = user_limits.acquire(user(1), 1).unwrap();
        let waiting = actix_web::rt::spawn({
            let user_limits = user_limits.clone();
            async move { user_limits.emptied().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(user_permit);
        waiting.await.unwrap();
    }
}
