//! Tickets for WebSocket handshakes: browsers cannot set headers there, and what is in a URL ends up in logs.
//! So a client exchanges its token for a ticket that is valid for one use within seconds, and puts that into
//! the URL.
//!
//! A ticket stands for the token it was issued for, and redeeming it decides nothing: the token is
//! authenticated again. On SQLite, which one server has to itself, tickets are kept in memory; on PostgreSQL
//! in a table, so that a ticket of one node is good on every other.

mod memory;
mod table;
mod ticket;

use std::time::Duration;

use crate::clock::Clock;
use crate::db::{Db, DbError};
use crate::ids::UserId;

use super::keyed_hash::KeyedHash;
use super::token::SigningKey;
use memory::Memory;
use ticket::{NoRandomness, Ticket};

/// Tickets that were issued and not redeemed yet.
#[derive(Debug)]
pub(crate) struct Tickets {
    clock: Clock,
    ttl: Duration,
    keyed: KeyedHash,
    home: Home,
}

enum Home {
    Memory(Memory),
    Table(Db),
}

/// Why no ticket was issued.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTicket {
    /// The memory for tickets is full.
    #[error("too many tickets are out")]
    Overloaded,
    /// The system's random number generator failed.
    #[error("no randomness")]
    NoRandomness,
    /// It could not be stored.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<NoRandomness> for NoTicket {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

impl Tickets {
    pub(crate) fn new(key: &SigningKey, ttl: Duration, db: &Db, clock: Clock) -> Self {
        let home = match db.is_shared() {
            true => Home::Table(db.clone()),
            false => Home::Memory(Memory::new()),
        };
        Self { clock, ttl, keyed: KeyedHash::new(key, "souk tickets v1"), home }
    }

    /// Issues a ticket for this token of the user.
    pub(crate) async fn give(&self, user: UserId, token: &str) -> Result<String, NoTicket> {
        let ticket = Ticket::generate()?;
        let now = self.clock.now();
        let (id, until) = (ticket.id(), now.plus(self.ttl));
        match &self.home {
            Home::Memory(memory) => memory.insert(id, token, until, now)?,
            Home::Table(db) => {
                let sealed = ticket.seal(token)?;
                db.write(move |uow| table::insert(uow, &id, user, &sealed, until)).await?;
            }
        }
        Ok(ticket.text(&self.keyed))
    }

    /// Whether one of our nodes has issued this ticket, be it used or expired. Looks nothing up.
    pub(crate) fn is_genuine(&self, text: &str) -> bool {
        Ticket::parse(text, &self.keyed).is_some()
    }

    /// The token that a ticket stands for; the ticket is used up.
    pub(crate) async fn redeem(&self, text: &str) -> Result<Option<String>, DbError> {
        let Some(ticket) = Ticket::parse(text, &self.keyed) else { return Ok(None) };
        let id = ticket.id();
        let taken = match &self.home {
            Home::Memory(memory) => memory.take(&id),
            Home::Table(db) => db
                .write(move |uow| table::take(uow, &id))
                .await?
                .and_then(|(sealed, until)| Some((ticket.open(&sealed)?, until))),
        };
        Ok(taken.filter(|(_, until)| self.clock.now() < *until).map(|(token, _)| token))
    }

    /// Deletes up to `batch` tickets that nobody has redeemed in time; returns the number.
    pub(crate) async fn delete_expired(&self, batch: i64) -> Result<usize, DbError> {
        match &self.home {
            // Memory is bounded by itself.
            Home::Memory(_) => Ok(0),
            Home::Table(db) => db.write(move |uow| table::delete_expired(uow, batch)).await,
        }
    }

    pub(crate) fn ttl(&self) -> Duration {
        self.ttl
    }
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory(memory) => memory.fmt(f),
            Self::Table(_) => f.write_str("Table"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::testing::database;
    use crate::clock::Timestamp;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds).unwrap()
    }

    /// Both homes; the table's own engine is that of the integration tests.
    async fn in_both(test: impl AsyncFn(Tickets, Clock)) {
        let key = SigningKey::from_secret(b"a secret of at least thirty-two bytes").unwrap();
        for in_table in [false, true] {
            let clock = Clock::manual(at(0));
            let database = database(&clock);
            let mut tickets = Tickets::new(&key, Duration::from_secs(30), &database.db, clock.clone());
            if in_table {
                tickets.home = Home::Table(database.db.clone());
            }
            test(tickets, clock).await;
        }
    }

    #[tokio::test]
    async fn a_ticket_is_good_once_and_for_a_moment() {
        let user = UserId::new(at(0));
        in_both(async |tickets, clock| {
            let ticket = tickets.give(user, "token").await.unwrap();
            assert_eq!(tickets.redeem("guess").await.unwrap(), None);
            assert_eq!(tickets.redeem(&ticket).await.unwrap().as_deref(), Some("token"));
            assert_eq!(tickets.redeem(&ticket).await.unwrap(), None);
            assert!(tickets.is_genuine(&ticket) && !tickets.is_genuine("guess"));
            let late = tickets.give(user, "token").await.unwrap();
            clock.advance(Duration::from_secs(30));
            assert_eq!(tickets.redeem(&late).await.unwrap(), None);
        })
        .await;
    }

    #[tokio::test]
    async fn a_user_has_few_tickets_in_the_table_and_only_of_their_own() {
        let (clock, user, other) = (Clock::manual(at(0)), UserId::new(at(0)), UserId::new(at(0)));
        let database = database(&clock);
        let key = SigningKey::from_secret(b"a secret of at least thirty-two bytes").unwrap();
        let mut tickets = Tickets::new(&key, Duration::from_secs(30), &database.db, clock.clone());
        tickets.home = Home::Table(database.db.clone());
        let of_other = tickets.give(other, "theirs").await.unwrap();
        let mut given = Vec::new();
        for _ in 0..=table::MAX_PER_USER {
            clock.advance(Duration::from_millis(1));
            given.push(tickets.give(user, "token").await.unwrap());
        }
        assert_eq!(tickets.redeem(&given[0]).await.unwrap(), None, "the oldest is replaced");
        assert_eq!(tickets.redeem(&given[1]).await.unwrap().as_deref(), Some("token"));
        assert_eq!(tickets.redeem(&of_other).await.unwrap().as_deref(), Some("theirs"));
        assert_eq!(tickets.delete_expired(10).await.unwrap(), 0);
        clock.advance(Duration::from_secs(30));
        assert_eq!(tickets.delete_expired(10).await.unwrap(), 10);
        assert_eq!(tickets.delete_expired(100).await.unwrap(), given.len() - 12);
        assert_eq!(tickets.delete_expired(100).await.unwrap(), 0);
    }
}
