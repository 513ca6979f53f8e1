//! The clients that have each project's board open.
//!
//! A board client's id outlives its connections: a client that reconnects with the same id replaces its
//! former connection, which may not have noticed yet that it is broken. Ids are scoped to the user, so nobody
//! can replace another user's connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ids::{ConnectionId, ProjectId, UserId};

/// A client's id, chosen by the client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ClientId(Arc<str>);

impl ClientId {
    /// In bytes. The server stores the id and sends it back, so its length must be bounded.
    const LONGEST: usize = 128;

    /// Accepts the id that a client chose; `None` if it is empty, longer than 128 bytes, or has control
    /// characters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.into()))
    }

    /// The id of a client that chose none: the connection's own id.
    pub(crate) fn of(connection: ConnectionId) -> Self {
        Self(connection.to_string().into())
    }

    /// The id as the client wrote it.
    pub(crate) fn as_str(&self) -> &Arc<str> {
        &self.0
    }
}

/// The connected clients of all boards; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct BoardClients(Arc<Mutex<HashMap<ProjectId, Clients>>>);

type Clients = HashMap<(UserId, ClientId), ConnectionId>;

/// A client's registration at a board. Dropping it removes the client, unless a newer connection of the same
/// client has replaced it.
#[derive(Debug)]
pub(crate) struct Lease {
    boards: BoardClients,
    project: ProjectId,
    client: (UserId, ClientId),
    connection: ConnectionId,
}

impl BoardClients {
    /// How many clients have the project's board open.
    pub(crate) fn clients_of(&self, project: ProjectId) -> usize {
        self.lock().get(&project).map_or(0, HashMap::len)
    }

    /// Whether the client has the project's board open.
    pub(crate) fn has(&self, project: ProjectId, user: UserId, client: &ClientId) -> bool {
        self.lock().get(&project).is_some_and(|clients| clients.contains_key(&(user, client.clone())))
    }

    /// Boards that are open, at most so many.
    pub(crate) fn open(&self, at_most: usize) -> Vec<ProjectId> {
        self.lock().keys().take(at_most).copied().collect()
    }

    /// Registers the client at the board with this connection. Also returns the connection that it replaces,
    /// if any.
    pub(crate) fn acquire(
        &self,
        project: ProjectId,
        user: UserId,
        client: ClientId,
        connection: ConnectionId,
    ) -> (Lease, Option<ConnectionId>) {
        let client = (user, client);
        let former = self.lock().entry(project).or_default().insert(client.clone(), connection);
        (Lease { boards: self.clone(), project, client, connection }, former)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProjectId, Clients>> {
        // A panic cannot leave an entry half-changed, so a poisoned lock can be used.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Removes the client; returns `false` if a newer connection of the same client has replaced this one.
    pub(crate) fn release(self) -> bool {
        self.remove()
    }

    fn remove(&self) -> bool {
        let mut boards = self.boards.lock();
        let Some(clients) = boards.get_mut(&self.project) else { return false };
        let is_current = clients.get(&self.client) == Some(&self.connection);
        if is_current {
            clients.remove(&self.client);
        }
        if clients.is_empty() {
            boards.remove(&self.project);
        }
        is_current
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_client_that_comes_back_takes_its_own_place_and_nobody_elses() {
        let at = Timestamp::EPOCH;
        let (boards, project) = (BoardClients::default(), ProjectId::new(at));
        let (ana, ben) = (UserId::new(at), UserId::new(at));
        let [first, second, third] = [(); 3].map(|()| ConnectionId::new(at));
        let tab = ClientId::parse("tab").unwrap();
        let (old, former) = boards.acquire(project, ana, tab.clone(), first);
        assert_eq!(former, None);
        let (others, former) = boards.acquire(project, ben, tab.clone(), second);
        assert_eq!(former, None, "ben's tab is another");
        let (new, former) = boards.acquire(project, ana, tab, third);
        assert_eq!((former, boards.clients_of(project)), (Some(first), 2));
        drop(old);
        assert_eq!(boards.clients_of(project), 2, "the place is the new connection's");
        drop((new, others));
        assert_eq!(boards.clients_of(project), 0);
        assert!(boards.lock().is_empty(), "nothing is kept of boards that nobody looks at");
    }

    #[test]
    fn a_name_is_short_plain_text() {
        assert!(ClientId::parse("tab-1 ä").is_some());
        for text in ["", "a\nb", &"x".repeat(129)] {
            assert_eq!(ClientId::parse(text), None, "{text:?}");
        }
    }
}
