//! Index of connections by their address, and by the user, login and token that they depend on.

use std::collections::hash_map::Entry;
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
    /// By the admin who views as the user.
    viewers: Many<UserId>,
    logins: Many<LoginId>,
    /// By issuer and `jti`: a `jti` is unique only for its issuer.
    tokens: Many<(Option<Arc<str>>, TokenId)>,
    addresses: Many<IpAddr>,
}

impl Index {
    pub(super) fn insert(&mut self, session: &Registration) {
        let Registration { connection, credentials, address, .. } = session;
        self.users.insert(credentials.user, *connection);
        if let Some(viewer) = &credentials.viewer {
            self.viewers.insert(viewer.user, *connection);
        }
        for login in logins(credentials) {
            self.logins.insert(login, *connection);
        }
        for token in tokens(credentials) {
            self.tokens.insert(token, *connection);
        }
        self.addresses.insert(*address, *connection);
    }

    pub(super) fn remove(&mut self, session: &Registration) {
        let Registration { connection, credentials, address, .. } = session;
        self.users.remove(&credentials.user, *connection);
        if let Some(viewer) = &credentials.viewer {
            self.viewers.remove(&viewer.user, *connection);
        }
        for login in logins(credentials) {
            self.logins.remove(&login, *connection);
        }
        for token in tokens(credentials) {
            self.tokens.remove(&token, *connection);
        }
        self.addresses.remove(address, *connection);
    }

    /// The connections that concern a user: the user's own, and those by which the user is viewed or views.
    pub(super) fn of_user(&self, user: UserId) -> BTreeSet<ConnectionId> {
        self.depending_on(user).into_iter().collect()
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
                self.depending_on(*user).into_iter().filter(|connection| !stays(connection)).collect()
            }
            Revocation::Connection { connection, .. } => vec![*connection],
            Revocation::User { user, .. } => self.depending_on(*user),
            // The standing of who is seen there, which is nobody that only views.
            Revocation::Membership { user, .. } => self.users.get(user),
        }
    }

    /// The connections of a user, and those by which an admin of this id views as somebody else.
    fn depending_on(&self, user: UserId) -> Vec<ConnectionId> {
        let mut connections = self.users.get(&user);
        connections.extend(self.viewers.get(&user));
        connections
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let is_empty = self.users.0.is_empty() && self.logins.0.is_empty() && self.tokens.0.is_empty();
        is_empty && self.addresses.0.is_empty() && self.viewers.0.is_empty()
    }
}

/// The logins that a session depends on.
fn logins(credentials: &Credentials) -> impl Iterator<Item = LoginId> {
    let of_viewer = credentials.viewer.as_ref().and_then(|viewer| viewer.login);
    credentials.login.into_iter().chain(of_viewer)
}

/// The tokens that a session depends on.
fn tokens(credentials: &Credentials) -> impl Iterator<Item = (Option<Arc<str>>, TokenId)> {
    let of_viewer = credentials.viewer.as_ref().map(|viewer| (viewer.issuer.clone(), viewer.token.clone()));
    std::iter::once((credentials.issuer.clone(), credentials.token.clone())).chain(of_viewer)
}

struct Many<K>(HashMap<K, Connections>);

/// One connection, as most users, logins and tokens have, or a set of them.
enum Connections {
    One(ConnectionId),
    Several(HashSet<ConnectionId>),
}

impl<K> Default for Many<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Many<K> {
    fn insert(&mut self, key: K, connection: ConnectionId) {
        match self.0.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(Connections::One(connection));
            }
            Entry::Occupied(mut known) => match known.get_mut() {
                Connections::One(other) => {
                    *known.get_mut() = Connections::Several(HashSet::from([*other, connection]));
                }
                Connections::Several(connections) => {
                    connections.insert(connection);
                }
            },
        }
    }

    fn remove(&mut self, key: &K, connection: ConnectionId) {
        let is_empty = match self.0.get_mut(key) {
            Some(Connections::One(known)) => *known == connection,
            Some(Connections::Several(connections)) => {
                connections.remove(&connection);
                connections.is_empty()
            }
            None => false,
        };
        if is_empty {
            self.0.remove(key);
        }
    }

    fn has(&self, key: &K, connection: &ConnectionId) -> bool {
        match self.0.get(key) {
            Some(Connections::One(known)) => known == connection,
            Some(Connections::Several(connections)) => connections.contains(connection),
            None => false,
        }
    }

    fn get(&self, key: &K) -> Vec<ConnectionId> {
        match self.0.get(key) {
            Some(Connections::One(connection)) => vec![*connection],
            Some(Connections::Several(connections)) => connections.iter().copied().collect(),
            None => Vec::new(),
        }
    }
}
