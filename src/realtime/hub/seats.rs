//! How many connections each user has, on all worker threads together.
//!
//! A seat is taken during the handshake, before anything is upgraded or registered, and given back when it is dropped:
//! so the cap holds however many handshakes race, and a refused one costs nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::ids::UserId;

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSeat {
    /// The user has as many connections as it may.
    #[error("the user has as many connections as it may")]
    Taken,
    /// The server is stopping.
    #[error("the server is stopping")]
    Draining,
}

/// One connection's place in the count. Dropping it gives it back.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    user: UserId,
}

impl Seat {
    /// Whose connection it counts.
    pub fn user(&self) -> UserId {
        self.user
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.give_back(self.user);
    }
}

#[derive(Debug, Default)]
pub(super) struct Seats {
    taken: Mutex<Taken>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    of_user: HashMap<UserId, usize>,
    total: usize,
    closed: bool,
}

impl Seats {
    pub(super) fn take(self: &Arc<Self>, user: UserId, at_most: usize) -> Result<Seat, NoSeat> {
        let mut taken = self.lock();
        if taken.closed {
            return Err(NoSeat::Draining);
        }
        if taken.of_user.get(&user).copied().unwrap_or(0) >= at_most {
            return Err(NoSeat::Taken);
        }
        *taken.of_user.entry(user).or_default() += 1;
        taken.total += 1;
        Ok(Seat { seats: self.clone(), user })
    }

    fn give_back(&self, user: UserId) {
        let mut taken = self.lock();
        taken.total = taken.total.saturating_sub(1);
        if let Some(count) = taken.of_user.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                taken.of_user.remove(&user);
            }
        }
        if taken.total == 0 {
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

    /// No more seats from now on.
    pub(super) fn close(&self) {
        self.lock().closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Completes when the last seat was given back.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            // Listening before looking: a seat given back in between is not missed.
            emptied.as_mut().enable();
            if self.total() == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // A count cannot be left half-changed by a panic; a poisoned lock is as good as any.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
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
        let seats = Arc::new(Seats::default());
        let first = seats.take(user(1), 2).unwrap();
        let _second = seats.take(user(1), 2).unwrap();
        assert_eq!(seats.take(user(1), 2).unwrap_err(), NoSeat::Taken);
        assert!(seats.take(user(2), 2).is_ok(), "others are not affected");
        drop(first);
        assert_eq!(seats.of(user(1)), 1);
        assert!(seats.take(user(1), 2).is_ok());
        assert_eq!((seats.total(), seats.users()), (1, 1), "what was not kept was given back");
    }

    #[test]
    fn nobody_is_seated_while_the_server_stops() {
        let seats = Arc::new(Seats::default());
        seats.close();
        assert_eq!(seats.take(user(1), 2).unwrap_err(), NoSeat::Draining);
    }

    #[actix_web::test]
    async fn the_last_one_to_leave_ends_the_wait() {
        let seats = Arc::new(Seats::default());
        let seat = seats.take(user(1), 1).unwrap();
        let waiting = actix_web::rt::spawn({
            let seats = seats.clone();
            async move { seats.emptied().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(seat);
        waiting.await.unwrap();
    }
}
