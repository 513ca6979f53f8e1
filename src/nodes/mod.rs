//! What the servers on one database share of their live connections: how many a user has, who they are, who is in
//! which room, which clients have a board open, and how to close a connection wherever it is.
//!
//! On PostgreSQL each server (node) mirrors its connections in a table. A node that has been silent for ten
//! seconds is taken to have crashed, and its rows do not count. On SQLite there is one server and nothing to
//! share.

mod boards;
mod clients_elsewhere;
mod presence;
mod rows;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::db::node_liveness::SILENT_AFTER;
use crate::db::{Db, DbError, UnitOfWork};
use crate::domain::policy::Scope;
use crate::domain::{Page, Slice};
use crate::events::{Revocation, RevocationReason};
use crate::hub::{ClientId, HubHandle, LiveSession, SessionFilter};
use crate::ids::{ConnectionId, LoginId, NodeId, ProjectId, UserId};
use crate::protocol::Dialect;
use crate::protocol::close::Endpoint;

pub(crate) use boards::BoardElsewhere;

use clients_elsewhere::ClientsElsewhere;

/// How often a node says that it lives. A fifth of the silence after which its rows do not count.
pub(crate) const BEAT: Duration = Duration::from_secs(2);

/// Rows of a silent node are deleted after this time.
const DELETE_AFTER: Duration = Duration::from_secs(60);

/// Ended connections whose rows wait to be deleted. Beyond that the next mirroring finds them.
const MAX_ENDED: usize = 100_000;

/// A board, and the own id of the client that has it open.
type Board = (ProjectId, ClientId);

/// The other servers on the database, as this one sees them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Nodes(Option<Arc<Shared>>);

struct Shared {
    db: Db,
    node: NodeId,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Connections that have a permit, and the board that they have open.
    live: HashMap<ConnectionId, Option<Board>>,
    /// Connections that have ended and whose rows must be deleted.
    ended: Vec<ConnectionId>,
    /// The other nodes that were seen lately.
    others: HashSet<NodeId>,
    clients_elsewhere: ClientsElsewhere,
}

/// A server on the database that is not forgotten yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeenNode {
    /// Its id.
    pub(crate) id: NodeId,
    /// How long ago it last said that it lives.
    pub(crate) silent_for: Duration,
}

/// A live connection, as all nodes see it.
#[derive(Clone, Debug)]
pub(crate) struct LiveConnection {
    /// The connection's id.
    pub(crate) id: ConnectionId,
    /// The user whose token it presented.
    pub(crate) user: UserId,
    /// The login that its token was issued for; `None` for a token of another issuer without a session.
    pub(crate) login: Option<LoginId>,
    /// The token's issuer; `None` for our own.
    pub(crate) issuer: Option<Arc<str>>,
    /// Name of the endpoint.
    pub(crate) endpoint: Arc<str>,
    /// The client's network address.
    pub(crate) address: IpAddr,
    /// When it was opened.
    pub(crate) since: Timestamp,
    /// When something was last received from its client.
    pub(crate) last_seen_at: Timestamp,
    /// Messages received from its client.
    pub(crate) messages: u64,
    /// How many rooms it is in.
    pub(crate) rooms: usize,
    /// The node that has it; `None` on a server alone, and before it is listed.
    pub(crate) node: Option<NodeId>,
    /// What only its own node knows.
    pub(crate) here: Option<KnownHere>,
}

/// What only its own node knows of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownHere {
    /// The dialect of its notices.
    pub(crate) dialect: Dialect,
    /// Bytes that wait to be written to its client.
    pub(crate) waiting: usize,
}

impl LiveConnection {
    /// A connection that is about to be opened.
    pub(crate) fn opened(
        id: ConnectionId,
        scope: &Scope,
        endpoint: Endpoint,
        address: IpAddr,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            user: scope.charged().0,
            login: scope.viewer().map_or(scope.login(), |viewer| viewer.login),
            issuer: scope.issuer().cloned(),
            endpoint: endpoint.name().into(),
            address,
            since: now,
            last_seen_at: now,
            messages: 0,
            rooms: 0,
            node: None,
            here: None,
        }
    }

    /// A connection of this node, as it is now.
    pub(crate) fn of(session: LiveSession, now: Timestamp) -> Self {
        Self {
            id: session.connection,
            user: session.user,
            login: session.login,
            issuer: session.issuer,
            endpoint: session.endpoint.name().into(),
            address: session.address,
            since: session.since,
            last_seen_at: now.minus(session.silent_for),
            messages: session.messages,
            rooms: session.rooms,
            node: None,
            here: Some(KnownHere { dialect: session.dialect, waiting: session.waiting }),
        }
    }
}

/// What a node finds when it says that it lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beat {
    /// The other nodes did not know of it: it has just started, was silent for long, or the tables were emptied by a
    /// crash of PostgreSQL. What it shares must be written again.
    pub(crate) is_new: bool,
    /// Other nodes have come or gone.
    pub(crate) others_changed: bool,
}

/// A connection's row. Dropping it has the row deleted.
#[must_use]
pub(crate) struct NodePermit {
    nodes: Nodes,
    connection: ConnectionId,
}

impl Drop for NodePermit {
    fn drop(&mut self) {
        let Some(shared) = &self.nodes.0 else { return };
        let mut state = shared.lock();
        state.live.remove(&self.connection);
        if state.ended.len() < MAX_ENDED {
            state.ended.push(self.connection);
        }
    }
}

impl Nodes {
    /// Shares what the servers on `db` share: nothing on SQLite.
    pub(crate) fn new(db: &Db) -> Self {
        let shared = || Arc::new(Shared { db: db.clone(), node: db.node(), state: Mutex::default() });
        Self(db.is_shared().then(shared))
    }

    /// Registers a connection that this node is about to open, if its user then has no more than `at_most` on all
    /// nodes together. `None`: the limit is reached.
    pub(crate) async fn register(
        &self,
        connection: LiveConnection,
        at_most: usize,
    ) -> Result<Option<NodePermit>, DbError> {
        // From here on: a caller that stops waiting leaves no row behind.
        let permit = NodePermit { nodes: self.clone(), connection: connection.id };
        let Some(shared) = &self.0 else { return Ok(Some(permit)) };
        shared.lock().live.insert(connection.id, None);
        let here = shared.clone();
        let is_registered = shared
            .db
            .write(move |uow| {
                rows::lock_user(uow, connection.user)?;
                let connections = rows::of_user(uow, here.node, connection.user)?;
                // Rows of this node's connections that have ended may still be there.
                let is_open = |(id, node): &&(ConnectionId, NodeId)| {
                    *node != here.node || here.lock().live.contains_key(id)
                };
                let is_free = connections.iter().filter(is_open).count() < at_most;
                if is_free {
                    rows::insert(uow, here.node, &connection)?;
                }
                Ok::<_, DbError>(is_free)
            })
            .await?;
        Ok(is_registered.then_some(permit))
    }

    /// How many connections the user has on other nodes.
    pub(crate) async fn connections_elsewhere(&self, user: UserId) -> Result<usize, DbError> {
        let Some(shared) = &self.0 else { return Ok(0) };
        let node = shared.node;
        let connections = shared.db.read(move |uow| rows::of_user(uow, node, user)).await?;
        Ok(connections.iter().filter(|(_, on)| *on != node).count())
    }

    /// The live connections, of one user or of everybody, newest first: those of one node, or of all.
    pub(crate) async fn list(
        &self,
        hub: &HubHandle,
        filter: SessionFilter,
        on: Option<NodeId>,
        page: Page<ConnectionId>,
        now: Timestamp,
    ) -> Result<Slice<LiveConnection, ConnectionId>, DbError> {
        let node = self.0.as_ref().map(|shared| shared.node);
        let here = match on.is_none() || on == node {
            true => hub.sessions(filter, page).await.map_err(|_| DbError::Overloaded)?,
            false => Slice { items: Vec::new(), next: None },
        };
        let mut found = match &self.0 {
            Some(shared) if on != node => {
                let node = shared.node;
                shared.db.read(move |uow| rows::list_elsewhere(uow, node, filter, on, &page)).await?
            }
            _ => Vec::new(),
        };
        let of_here = |session| LiveConnection { node, ..LiveConnection::of(session, now) };
        found.extend(here.items.into_iter().map(of_here));
        found.sort_unstable_by_key(|connection| std::cmp::Reverse(connection.id));
        let mut slice = page.slice(found, |connection| connection.id);
        if here.next.is_some() {
            slice.next = slice.items.last().map(|connection| connection.id);
        }
        Ok(slice)
    }

    /// Has the node that has this connection close it, once the unit of work is committed; `false` if it is on
    /// no other node.
    pub(crate) fn close_elsewhere(
        &self,
        uow: &mut UnitOfWork<'_>,
        connection: ConnectionId,
    ) -> Result<bool, DbError> {
        let Some(shared) = &self.0 else { return Ok(false) };
        let is_there = rows::is_elsewhere(uow, shared.node, connection)?;
        if is_there {
            uow.end(Revocation::Connection { connection, reason: RevocationReason::ClosedByAdmin });
        }
        Ok(is_there)
    }

    /// Tells the other nodes that this one lives, and looks who else does. Called every few seconds.
    pub(crate) async fn beat(&self) -> Result<Beat, DbError> {
        let Some(shared) = &self.0 else { return Ok(Beat::default()) };
        let node = shared.node;
        let (is_new, others) = shared.db.write(move |uow| rows::beat(uow, node)).await?;
        let others: HashSet<NodeId> = others.into_iter().collect();
        let mut state = shared.lock();
        if is_new {
            state.clients_elsewhere.doubt_for(SILENT_AFTER);
        }
        let others_changed = state.others != others;
        state.others = others;
        Ok(Beat { is_new, others_changed })
    }

    /// All servers on the database that are not forgotten yet, the oldest first; `None` where there is one alone.
    pub(crate) async fn all(&self) -> Result<Option<Vec<SeenNode>>, DbError> {
        let Some(shared) = &self.0 else { return Ok(None) };
        let rows = shared.db.read(rows::all).await?;
        let silent = |micros: i64| Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        let seen = |row: rows::SeenNode| SeenNode { id: row.id, silent_for: silent(row.silent_micros) };
        Ok(Some(rows.into_iter().map(seen).collect()))
    }

    /// Whether this is another node on the same database, seen lately.
    pub(crate) fn knows(&self, node: NodeId) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.lock().others.contains(&node))
    }

    /// Deletes the rows of connections that have ended since the last call.
    pub(crate) async fn forget_ended(&self) -> Result<(), DbError> {
        let Some(shared) = &self.0 else { return Ok(()) };
        let ended = std::mem::take(&mut shared.lock().ended);
        if ended.is_empty() {
            return Ok(());
        }
        // Should this fail, the next mirroring deletes them.
        shared.db.write(move |uow| rows::delete(uow, &ended)).await
    }

    /// Makes the rows of this node equal to its connections.
    pub(crate) async fn mirror(&self, connections: Vec<LiveConnection>) -> Result<(), DbError> {
        let Some(shared) = &self.0 else { return Ok(()) };
        let here = shared.clone();
        let mirrored = move |uow: &mut UnitOfWork<'_>| {
            let mut ended = rows::of_node(uow, here.node)?;
            // Looked up after the rows were read: a connection is in the map before its row is written. One that is
            // being admitted has a row, and is not listed yet.
            ended.retain(|id| !here.lock().live.contains_key(id));
            rows::delete(uow, &ended)?;
            let live: Vec<(&LiveConnection, Option<Board>)> = {
                let state = here.lock();
                let board_of = |connection: &LiveConnection| state.live.get(&connection.id).cloned();
                connections.iter().filter_map(|one| Some((one, board_of(one)?))).collect()
            };
            rows::upsert(uow, here.node, &live)
        };
        shared.db.write(mirrored).await
    }

    /// Deletes this node's rows, at its stop.
    pub(crate) async fn leave(&self) -> Result<(), DbError> {
        let Some(shared) = &self.0 else { return Ok(()) };
        let node = shared.node;
        shared.db.write(move |uow| rows::leave(uow, node)).await
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave the lists half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
