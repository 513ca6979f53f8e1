//! What failed attempts are counted by, and how many are allowed.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::ids::LoginId;
use crate::limits::Quota;
use crate::limits::network::{customer, subnet};

use super::{Origin, PERIOD};

/// An account as a key: derived from the entered text, whether such an account exists or not, and of fixed
/// size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AccountKey([u8; 32]);

impl AccountKey {
    pub(crate) fn of(typed: &str) -> Self {
        Self(Sha256::digest(typed.trim().to_lowercase()).into())
    }
}

/// What failed attempts are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Device(LoginId),
    KnownAddress(AccountKey, IpAddr),
    Subnet(AccountKey, IpAddr),
    Account(AccountKey),
    Address(IpAddr),
}

impl Key {
    /// The key as bytes that no other key has: a word, and what follows it in a form of its own.
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Device(login) => format!("device {login}").into_bytes(),
            Self::KnownAddress(account, address) => account.bytes_with("known", &address.to_string()),
            Self::Subnet(account, subnet) => account.bytes_with("subnet", &subnet.to_string()),
            Self::Account(account) => account.bytes_with("account", ""),
            Self::Address(address) => format!("address {address}").into_bytes(),
        }
    }
}

impl AccountKey {
    fn bytes_with(&self, kind: &str, rest: &str) -> Vec<u8> {
        [kind.as_bytes(), b" ", &self.0, rest.as_bytes()].concat()
    }
}

/// A key, and how many failures it may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) key: Key,
    pub(super) quota: Quota,
}

/// Failures allowed in [`PERIOD`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuessLimits {
    /// For one account, from one device, address or network.
    pub(crate) account: u32,
    /// For one account, from all strangers together.
    pub(crate) anywhere: u32,
    /// For one address, over all accounts; registrations count, too.
    pub(crate) address: u32,
}

impl GuessLimits {
    /// The budget of an address over all accounts.
    pub(super) fn of_address(&self, address: IpAddr) -> Budget {
        self.of(Key::Address(customer(address)))
    }

    /// The budgets that an attempt uses up if it fails.
    pub(super) fn of_attempt(&self, account: AccountKey, origin: Origin) -> Vec<Budget> {
        match origin {
            Origin::KnownDevice(login) => vec![self.of(Key::Device(login))],
            Origin::KnownAddress(address) => {
                vec![self.of_address(address), self.of(Key::KnownAddress(account, customer(address)))]
            }
            Origin::Stranger(address) => vec![
                self.of_address(address),
                self.of(Key::Subnet(account, subnet(address))),
                self.of(Key::Account(account)),
            ],
        }
    }

    fn of(&self, key: Key) -> Budget {
        let limit = match key {
            Key::Device(_) | Key::KnownAddress(..) | Key::Subnet(..) => self.account,
            Key::Account(_) => self.anywhere,
            Key::Address(_) => self.address,
        };
        Budget { key, quota: Quota::new(limit, PERIOD) }
    }
}
