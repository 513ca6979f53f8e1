//! Clients of boards that are lost with their node.
//!
//! A node tells of its own clients. Those of a node that was killed, or that stops before all is told, are told of by
//! each other node to its own members, from what it last read of them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use tokio::time::Instant;

use crate::clock::Timestamp;
use crate::db::{DbError, UnitOfWork};
use crate::hub::{BoardClients, ClientId, HubHandle, Relayed};
use crate::ids::{ConnectionId, NodeId, ProjectId, UserId};
use crate::protocol::BoardClient;

use super::{Nodes, rows};

/// Boards that are looked at, and clients that are remembered. The others are counted, but not missed.
const MAX_BOARDS: usize = 10_000;
const MAX_CLIENTS: i64 = 10_000;

/// A client of a board: which one, whose, and the id that it chose.
type Client = (ProjectId, UserId, ClientId);

/// The clients that other nodes have at the boards open here, as last read.
#[derive(Default)]
pub(super) struct ClientsElsewhere {
    clients: HashMap<Client, Seen>,
    doubted_until: Option<Instant>,
}

/// Where a client was seen.
struct Seen {
    node: NodeId,
    connection: ConnectionId,
    email: String,
}

impl ClientsElsewhere {
    /// For this time nodes may live that are not in the tables, since a crash of PostgreSQL has emptied them: nobody
    /// is missed before.
    pub(super) fn doubt_for(&mut self, time: Duration) {
        self.doubted_until = Some(Instant::now() + time);
    }

    /// Forgets a client: whether it is there is told by the node that it is, or was, connected to.
    pub(super) fn forget(&mut self, project: ProjectId, user: UserId, client: &ClientId) {
        self.clients.remove(&(project, user, client.clone()));
    }

    /// Takes in what was read; returns the clients that are lost with their node.
    fn update(&mut self, read: Read, now: Instant) -> Vec<(Client, Seen)> {
        if self.doubted_until.is_some_and(|until| now < until) {
            self.clients.extend(read.clients);
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.clients, read.clients);
        let is_lost = |(client, seen): &(Client, Seen)| {
            !read.nodes.contains(&seen.node) && !self.clients.contains_key(client)
        };
        before.into_iter().filter(is_lost).collect()
    }

    fn at(&self, project: ProjectId) -> usize {
        self.clients.keys().filter(|(at, ..)| *at == project).count()
    }
}

/// What one look at the tables finds.
struct Read {
    /// The other nodes that count.
    nodes: HashSet<NodeId>,
    /// Their clients.
    clients: HashMap<Client, Seen>,
}

impl Nodes {
    /// Reads which clients other nodes have at the boards that are open here, and tells the members here which of
    /// them are lost with their node. Called every few seconds.
    pub(crate) async fn watch_clients(
        &self,
        boards: &BoardClients,
        hub: &HubHandle,
        at: Timestamp,
    ) -> Result<(), DbError> {
        let Some(shared) = &self.0 else { return Ok(()) };
        let open = boards.open(MAX_BOARDS);
        if open.is_empty() {
            shared.lock().clients_elsewhere.clients.clear();
            return Ok(());
        }
        let node = shared.node;
        let read = shared.db.read(move |uow| read(uow, node, &open)).await?;
        let mut state = shared.lock();
        let lost = state.clients_elsewhere.update(read, Instant::now());
        // Told under the lock: a client that is heard of or comes meanwhile comes after it has left.
        for ((project_id, user_id, client), seen) in lost {
            if boards.has(project_id, user_id, &client) {
                continue;
            }
            let left = BoardClient {
                client_id: client.as_str().clone(),
                user_id,
                user_email: seen.email.into(),
                project_id,
                timestamp: at,
                active_clients: boards.clients_of(project_id) + state.clients_elsewhere.at(project_id),
            };
            hub.take_in(seen.node, Relayed::client_left(left, seen.connection));
        }
        Ok(())
    }

    /// Another node has told that this client came or left.
    pub(crate) fn forget_client(&self, told: &BoardClient) {
        if let (Some(shared), Some(client)) = (&self.0, ClientId::parse(&told.client_id)) {
            shared.lock().clients_elsewhere.forget(told.project_id, told.user_id, &client);
        }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: ConnectionId,
    #[diesel(sql_type = Text)]
    node: NodeId,
    #[diesel(sql_type = Text)]
    project_id: ProjectId,
    #[diesel(sql_type = Text)]
    user_id: UserId,
    #[diesel(sql_type = Text)]
    client_id: String,
    #[diesel(sql_type = Text)]
    email: String,
}

fn read(uow: &mut UnitOfWork<'_>, node: NodeId, boards: &[ProjectId]) -> Result<Read, DbError> {
    // Clients of just these nodes, so that none stops counting between the two queries.
    let others = rows::others(uow, node)?;
    let mut found = Read { nodes: others.iter().copied().collect(), clients: HashMap::new() };
    let Some(c) = uow.conn().postgres() else { return Ok(found) };
    let clients: Vec<Row> = diesel::sql_query(
        "SELECT c.id, c.node, c.project_id, c.user_id, c.client_id, u.email FROM live_connections c \
         JOIN users u ON u.id = c.user_id \
         WHERE c.project_id = ANY($1) AND c.client_id IS NOT NULL AND c.node = ANY($2) ORDER BY c.id LIMIT $3",
    )
    .bind::<Array<Text>, _>(boards)
    .bind::<Array<Text>, _>(others)
    .bind::<BigInt, _>(MAX_CLIENTS)
    .load(c)?;
    for Row { id, node, project_id, user_id, client_id, email } in clients {
        if let Some(client) = ClientId::parse(&client_id) {
            found.clients.insert((project_id, user_id, client), Seen { node, connection: id, email });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_missed_once_and_only_with_their_node_and_not_while_the_tables_are_in_doubt() {
        let (at, now) = (Timestamp::EPOCH, Instant::now());
        let client = (ProjectId::new(at), UserId::new(at), ClientId::parse("tab").unwrap());
        let (node, other) = (NodeId::new(at), NodeId::new(at));
        let is_seen = |on: NodeId, nodes: &[NodeId]| Read {
            nodes: nodes.iter().copied().collect(),
            clients: [(
                client.clone(),
                Seen { node: on, connection: ConnectionId::new(at), email: String::new() },
            )]
            .into(),
        };
        let nobody =
            |nodes: &[NodeId]| Read { nodes: nodes.iter().copied().collect(), clients: HashMap::new() };

        let mut known = ClientsElsewhere::default();
        assert!(known.update(is_seen(node, &[node]), now).is_empty());
        assert!(known.update(nobody(&[node]), now).is_empty(), "its node lives and tells by itself");
        assert!(known.update(is_seen(node, &[node]), now).is_empty());
        assert!(known.update(is_seen(other, &[other]), now).is_empty(), "it has moved");
        assert_eq!(known.update(nobody(&[]), now).len(), 1);
        assert!(known.update(nobody(&[]), now).is_empty());

        assert!(known.update(is_seen(node, &[node]), now).is_empty());
        known.doubt_for(Duration::from_secs(10));
        assert!(known.update(nobody(&[]), now).is_empty());
        let later = now + Duration::from_secs(20);
        assert!(known.update(is_seen(node, &[node]), later).is_empty(), "it was there all the time");
        assert_eq!(known.update(nobody(&[]), later).len(), 1);
    }
}
