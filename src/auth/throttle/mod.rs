//! Slows down password guessing without letting an attacker lock out the account's owner.
//!
//! Who may guess, and what each can do:
//!
//! - **A stranger** (an address from which the account was never signed in to, and no device token) may fail
//!   `logins_per_account` times from their whole network (an IPv4 /24, an IPv6 /64), `logins_per_address`
//!   times over all accounts, and together with all other strangers `logins_per_account_anywhere` times for
//!   one account. The last bound stops a botnet. While it is reached, strangers wait, and so does the owner
//!   on a new device at a new place: that is the price, and the only way in which guessing delays an owner.
//! - **A known address** (a login of the account came from there) has its own budget for the account, beside
//!   that of the address. Strangers do not share it, unless they share the very address.
//! - **A known device** (it presents the device token that it got when it signed in) has its own budget and
//!   shares nothing else. Stealing that token gains as many guesses as a new network would.
//!
//! Only attempts whose verification failed count. An attempt that is being verified holds its place
//! meanwhile: others wait for its outcome where it matters to them, so that a burst is verified no further
//! than the budget allows, and a correct password is never refused because of concurrent attempts. The
//! answer, and the time it takes, are the same for accounts that do not exist.
//!
//! The counts are where all servers of the database see them, so that N nodes do not give N times the
//! guesses: on PostgreSQL in tables (`table.rs`), and on SQLite, which one server has to itself, in memory
//! (`memory.rs`).

mod budget;
mod memory;
mod table;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::db::{Db, DbError, Failure};
use crate::ids::LoginId;
use crate::limits::Limited;

use super::keyed_hash::KeyedHash;
use super::token::SigningKey;
pub(crate) use budget::{AccountKey, GuessLimits};
use memory::Memory;
use table::Table;

/// The period over which failures are counted.
const PERIOD: Duration = Duration::from_secs(15 * 60);

/// The origin of an attempt, as far as the limits distinguish it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// A device that has signed in to the account before, with the login for which it got its device token.
    KnownDevice(LoginId),
    /// An address from which the account was signed in to before.
    KnownAddress(IpAddr),
    /// Any other address.
    Stranger(IpAddr),
}

/// Why an attempt may not be made.
#[derive(Debug)]
pub(crate) enum Throttled {
    /// The budget is used up.
    Limited(Limited),
    /// The shared counts cannot be read or written. Nobody guesses uncounted meanwhile.
    Db(DbError),
}

impl From<Limited> for Throttled {
    fn from(limited: Limited) -> Self {
        Self::Limited(limited)
    }
}

impl From<DbError> for Throttled {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl Failure for Throttled {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            Self::Limited(_) => None,
        }
    }
}

/// Counts failed attempts, and those that are being verified.
#[derive(Debug)]
pub(crate) struct LoginThrottle {
    limits: GuessLimits,
    home: Home,
}

#[derive(Debug)]
enum Home {
    Memory(Arc<Memory>),
    Table(Arc<Table>),
}

impl LoginThrottle {
    pub(crate) fn new(limits: GuessLimits, key: &SigningKey, db: &Db, clock: Clock) -> Self {
        let home = match db.is_shared() {
            true => {
                Home::Table(Arc::new(Table::new(db.clone(), KeyedHash::new(key, "souk logins v1"), clock)))
            }
            false => Home::Memory(Arc::new(Memory::new(clock))),
        };
        Self { limits, home }
    }

    /// Counts a registration.
    ///
    /// # Errors
    /// The address has made too many registrations or failed logins.
    pub(crate) async fn register(&self, address: IpAddr) -> Result<(), Throttled> {
        let budget = self.limits.of_address(address);
        match &self.home {
            Home::Memory(memory) => Ok(memory.take(&budget)?),
            Home::Table(table) => table.take(&budget).await,
        }
    }

    /// Whether an address may make attempts at all; cheaper than [`LoginThrottle::begin`].
    ///
    /// # Errors
    /// It has made too many.
    pub(crate) async fn look(&self, address: IpAddr) -> Result<(), Throttled> {
        let budget = self.limits.of_address(address);
        match &self.home {
            Home::Memory(memory) => Ok(memory.look(&budget)?),
            Home::Table(table) => table.look(&budget).await,
        }
    }

    /// Begins an attempt; waits where attempts that are being verified decide whether the budget is used up.
    /// The caller bounds how many may wait.
    ///
    /// # Errors
    /// The budget is used up.
    pub(crate) async fn begin(&self, account: AccountKey, origin: Origin) -> Result<Guess, Throttled> {
        let budgets = self.limits.of_attempt(account, origin);
        Ok(match &self.home {
            Home::Memory(memory) => Guess::InMemory(memory.begin(budgets).await?),
            Home::Table(table) => Guess::InTable(table.begin(&budgets).await?),
        })
    }

    /// Deletes up to `batch` counts that mean nothing any more; returns the number.
    pub(crate) async fn delete_expired(&self, batch: i64) -> Result<usize, DbError> {
        match &self.home {
            // Memory is bounded by itself.
            Home::Memory(_) => Ok(0),
            Home::Table(table) => table.delete_expired(batch).await,
        }
    }
}

/// An attempt that is being verified. Dropping it counts nothing: the password was correct, or was not
/// verified.
#[derive(Debug)]
#[must_use]
pub(crate) enum Guess {
    InMemory(memory::Attempt),
    InTable(table::Attempt),
}

impl Guess {
    /// Counts the attempt as failed.
    ///
    /// # Errors
    /// It could not be counted. Its places stay taken until their lease is over.
    pub(crate) async fn wrong(self) -> Result<(), DbError> {
        match self {
            Self::InMemory(attempt) => {
                attempt.wrong();
                Ok(())
            }
            Self::InTable(attempt) => attempt.wrong().await,
        }
    }
}
