//! Counts the connections of each network address, before and after authentication.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Maximum numbers of connections of one address.
#[derive(Debug, Clone, Copy)]
pub struct AddressLimits {
    /// Connections that are not authenticated: still being checked, or refused and not closed yet.
    pub pending: usize,
    /// Authenticated sessions.
    pub sessions: usize,
}

/// The counts of all addresses, shared by all worker threads. An address without connections is forgotten.
#[derive(Debug, Clone)]
pub struct AddressLimiter {
    limits: AddressLimits,
    counts: Arc<Mutex<HashMap<IpAddr, Counts>>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    pending: usize,
    sessions: usize,
}

/// An unauthenticated connection. Counted for its address until it is dropped.
#[derive(Debug)]
pub struct PendingConnection(Counted);

/// The permit of an authenticated connection. Counted for its address until it is dropped.
#[derive(Debug)]
pub(crate) struct AddressPermit {
    counted: Counted,
}

#[derive(Debug)]
struct Counted {
    addresses: AddressLimiter,
    address: IpAddr,
    count: fn(&mut Counts) -> &mut usize,
}

impl AddressLimiter {
    /// An empty count with these limits.
    pub fn new(limits: AddressLimits) -> Self {
        Self { limits, counts: Arc::default() }
    }

    /// Admits an unauthenticated connection; `None` if the address has reached its limit.
    pub fn acquire(&self, address: IpAddr) -> Option<PendingConnection> {
        self.count(address, |counts| &mut counts.pending, self.limits.pending).map(PendingConnection)
    }

    /// The unauthenticated connections of all addresses.
    pub(crate) fn pending(&self) -> usize {
        self.lock().values().map(|counts| counts.pending).sum()
    }

    fn count(
        &self,
        address: IpAddr,
        count: fn(&mut Counts) -> &mut usize,
        at_most: usize,
    ) -> Option<Counted> {
        let mut all = self.lock();
        let counts = all.entry(address).or_default();
        if *count(counts) >= at_most {
            return None;
        }
        *count(counts) += 1;
        drop(all);
        Some(Counted { addresses: self.clone(), address, count })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Counts>> {
        // A panic cannot leave a count half-changed, so a poisoned lock can be used.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingConnection {
    /// The client's network address.
    pub(super) fn address(&self) -> IpAddr {
        self.0.address
    }

    /// The connection is authenticated: counts it as a session, unless the address has reached its limit of
    /// sessions.
    pub(crate) fn admit(self) -> Result<AddressPermit, PendingConnection> {
        let Counted { addresses, address, .. } = &self.0;
        match addresses.count(*address, |counts| &mut counts.sessions, addresses.limits.sessions) {
            Some(counted) => Ok(AddressPermit { counted }),
            None => Err(self),
        }
    }
}

impl AddressPermit {
    /// The client's network address.
    pub(crate) fn address(&self) -> IpAddr {
        self.counted.address
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = self.addresses.lock();
        let Some(counts) = all.get_mut(&self.address) else { return };
        let count = (self.count)(counts);
        *count = count.saturating_sub(1);
        if *counts == Counts::default() {
            all.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    fn addresses() -> AddressLimiter {
        AddressLimiter::new(AddressLimits { pending: 2, sessions: 1 })
    }

    #[test]
    fn an_address_sends_so_many_strangers_and_no_more() {
        let addresses = addresses();
        let first = addresses.acquire(HERE).unwrap();
        let _second = addresses.acquire(HERE).unwrap();
        assert!(addresses.acquire(HERE).is_none());
        assert!(addresses.acquire(THERE).is_some(), "others are not affected");
        drop(first);
        assert!(addresses.acquire(HERE).is_some(), "who left counts no more");
    }

    #[test]
    fn who_is_admitted_is_no_stranger_any_more() {
        let addresses = addresses();
        let address_permit = addresses.acquire(HERE).unwrap().admit().unwrap();
        assert_eq!(addresses.lock().get(&HERE), Some(&Counts { pending: 0, sessions: 1 }));
        let refused = addresses.acquire(HERE).unwrap().admit().unwrap_err();
        assert_eq!(addresses.lock().get(&HERE), Some(&Counts { pending: 1, sessions: 1 }));
        drop((address_permit, refused));
        assert!(addresses.lock().is_empty(), "nothing is kept of who has gone");
    }
}
