//! Which clients look at which project's board.
//!
//! A client of a board has a name that outlives its connections: one that comes back under it takes the place of the
//! connection that it has lost, which may not have noticed yet. Names are a user's own: nobody takes another's place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ids::{ConnectionId, ProjectId, UserId};

/// A client's own name for itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// Longer names would be kept for nothing.
    const LONGEST: usize = 128;

    /// The name that a client gives; none if it is empty, longer than 128 bytes, or not plain text.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.into()))
    }

    /// A name for a client that gives none.
    pub fn of(connection: ConnectionId) -> Self {
        Self(connection.to_string().into())
    }

    /// As it was given.
    pub fn as_str(&self) -> &Arc<str> {
        &self.0
    }
}

/// All boards that somebody looks at; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct BoardClients(Arc<Mutex<HashMap<ProjectId, Clients>>>);

type Clients = HashMap<(UserId, ClientId), ConnectionId>;

/// A client's place at a board. Dropping it gives it up, unless another connection of the client has it by then.
#[derive(Debug)]
pub(crate) struct Lease {
    boards: BoardClients,
    project: ProjectId,
    client: (UserId, ClientId),
    connection: ConnectionId,
}

impl BoardClients {
    /// How many clients look at the project's board.
    pub fn clients_of(&self, project: ProjectId) -> usize {
        self.lock().get(&project).map_or(0, HashMap::len)
    }

    /// The client looks at the board by this connection; and the connection whose place that takes.
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
        // A panic cannot leave an entry half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut boards = self.boards.lock();
        let Some(clients) = boards.get_mut(&self.project) else { return };
        if clients.get(&self.client) == Some(&self.connection) {
            clients.remove(&self.client);
        }
        if clients.is_empty() {
            boards.remove(&self.project);
        }
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
