//! Index of connections by their address, and by the user, login and token that they depend on.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use crate::events::Revocation;
use crate::hub::{Credentials, Registration};
use crate::ids::{ConnectionId, LoginId, TokenId, UserId};

#[derive(Default)]
pub(super) struct Index {
    users: Many<UserId>,
    logins: Many<LoginId>,
    /// By issuer and `jti`: a `jti` is unique only for its issuer.
    tokens: Many<(Option<Arc<str>>, TokenId)>,
    addresses: Many<IpAddr>,
}

impl Index {
    pub(super) fn insert(&mut self, session: &Registration) {
        let Registration { connection, credentials, address, .. } = session;
        self.users.insert(credentials.user, *connection);
        if let Some(login) = credentials.login {
            self.logins.insert(login, *connection);
        }
        self.tokens.insert(token(credentials), *connection);
        self.addresses.insert(*address, *connection);
    }

    pub(super) fn remove(&mut self, session: &Registration) {
        let Registration { connection, credentials, address, .. } = session;
        self.users.remove(&credentials.user, *connection);
        if let Some(login) = credentials.login {
            self.logins.remove(&login, *connection);
        }
        self.tokens.remove(&token(credentials), *connection);
        self.addresses.remove(address, *connection);
    }

    pub(super) fn of_user(&self, user: UserId) -> BTreeSet<ConnectionId> {
        self.users.get(&user).into_iter().collect()
    }

    pub(super) fn of_address(&self, address: IpAddr) -> BTreeSet<ConnectionId> {
        self.addresses.get(&address).into_iter().collect()
    }

    /// The connections that `revocation` may affect: those that depend on the right itself, or on its user.
    pub(super) fn affected(&self, revocation: &Revocation) -> Vec<ConnectionId> {
        match revocation {
            Revocation::Token { issuer, jti, .. } => self.tokens.get(&(issuer.clone(), jti.clone())),
            Revocation::Login { sid, .. } => self.logins.get(sid),
            Revocation::OtherLogins { user, kept, .. } => {
                let stays = |connection: &ConnectionId| self.logins.has(kept, connection);
                self.users.get(user).into_iter().filter(|connection| !stays(connection)).collect()
            }
            Revocation::Connection { connection, .. } => vec![*connection],
            Revocation::User { user, .. } | Revocation::Membership { user, .. } => self.users.get(user),
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let is_empty = self.users.0.is_empty() && self.logins.0.is_empty() && self.tokens.0.is_empty();
        is_empty && self.addresses.0.is_empty()
    }
}

fn token(credentials: &Credentials) -> (Option<Arc<str>>, TokenId) {
    (credentials.issuer.clone(), credentials.token.clone())
}

struct Many<K>(HashMap<K, HashSet<ConnectionId>>);

impl<K> Default for Many<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Many<K> {
    fn insert(&mut self, key: K, connection: ConnectionId) {
        self.0.entry(key).or_default().insert(connection);
    }

    fn remove(&mut self, key: &K, connection: ConnectionId) {
        if let Some(connections) = self.0.get_mut(key) {
            connections.remove(&connection);
            if connections.is_empty() {
                self.0.remove(key);
            }
        }
    }

    fn has(&self, key: &K, connection: &ConnectionId) -> bool {
        self.0.get(key).is_some_and(|connections| connections.contains(connection))
    }

    fn get(&self, key: &K) -> Vec<ConnectionId> {
        self.0.get(key).into_iter().flatten().copied().collect()
    }
}
