//! The clients that have boards open on other nodes.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::db::node_liveness::is_alive;
use crate::db::schema::{live_connections, nodes};
use crate::db::{DbError, UnitOfWork};
use crate::events::{Revocation, RevocationReason};
use crate::hub::ClientId;
use crate::ids::{ConnectionId, NodeId, ProjectId, UserId};

use super::Nodes;
use super::rows::lock_user;

/// A board as a client finds it that has just opened it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BoardElsewhere {
    /// Clients on other nodes, this one not counted.
    pub(crate) clients: usize,
    /// Whether the same client had it open on another node; that connection is being closed.
    pub(crate) came_back: bool,
}

impl Nodes {
    /// A connection has opened a board for a client of its user: a connection of the same client on another node
    /// is replaced.
    pub(crate) async fn open_board(
        &self,
        connection: ConnectionId,
        user: UserId,
        project: ProjectId,
        client: ClientId,
    ) -> Result<BoardElsewhere, DbError> {
        let Some(shared) = &self.0 else { return Ok(BoardElsewhere::default()) };
        {
            let mut state = shared.lock();
            if let Some(board) = state.live.get_mut(&connection) {
                *board = Some((project, client.clone()));
            }
            state.clients_elsewhere.forget(project, user, &client);
        }
        let node = shared.node;
        let opened = move |uow: &mut UnitOfWork<'_>| {
            // Of two connections of one client that open it at once, the second one sees the first.
            lock_user(uow, user)?;
            diesel::update(live_connections::table.find(connection))
                .set((
                    live_connections::project_id.eq(project),
                    live_connections::client_id.eq(&**client.as_str()),
                ))
                .execute(uow.conn())?;
            let former: Vec<(ConnectionId, bool)> = live_connections::table
                .inner_join(nodes::table.on(nodes::id.eq(live_connections::node)))
                .filter(live_connections::project_id.eq(project).and(live_connections::user_id.eq(user)))
                .filter(live_connections::client_id.eq(&**client.as_str()))
                .filter(live_connections::node.ne(node))
                .select((live_connections::id, sql::<Bool>(&is_alive())))
                .load(uow.conn())?;
            for (connection, _) in &former {
                // From now on the client is here alone, also if that node has died and has not been missed yet.
                diesel::update(live_connections::table.find(connection))
                    .set((
                        live_connections::project_id.eq(None::<ProjectId>),
                        live_connections::client_id.eq(None::<String>),
                    ))
                    .execute(uow.conn())?;
                uow.end(Revocation::Connection {
                    connection: *connection,
                    reason: RevocationReason::Replaced,
                });
            }
            // Of a node that is missed, the others were told that its clients have left.
            let came_back = former.iter().any(|(_, counts)| *counts);
            let others = count(uow, node, project, Some((user, &client)))?;
            Ok::<_, DbError>(BoardElsewhere { clients: others, came_back })
        };
        shared.db.write(opened).await
    }

    /// How many clients have the board open on other nodes.
    pub(crate) fn clients_elsewhere(
        &self,
        uow: &mut UnitOfWork<'_>,
        project: ProjectId,
    ) -> Result<usize, DbError> {
        match &self.0 {
            Some(shared) => count(uow, shared.node, project, None),
            None => Ok(0),
        }
    }

    /// The same, for a caller without a unit of work.
    pub(crate) async fn count_clients_elsewhere(&self, project: ProjectId) -> Result<usize, DbError> {
        let Some(shared) = &self.0 else { return Ok(0) };
        let nodes = self.clone();
        shared.db.read(move |uow| nodes.clients_elsewhere(uow, project)).await
    }
}

/// Clients of a board on other nodes than this one, each once, without this one.
fn count(
    uow: &mut UnitOfWork<'_>,
    node: NodeId,
    project: ProjectId,
    but: Option<(UserId, &ClientId)>,
) -> Result<usize, DbError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        clients: i64,
    }
    let (user, client) = match but {
        Some((user, client)) => (user.to_string(), client.as_str().to_string()),
        None => (String::new(), String::new()),
    };
    let found: Count = diesel::sql_query(format!(
        "SELECT count(DISTINCT (c.user_id, c.client_id)) AS clients FROM live_connections c \
         JOIN nodes ON nodes.id = c.node WHERE c.project_id = $1 AND c.node <> $2 \
         AND {} AND NOT (c.user_id = $3 AND c.client_id = $4)",
        is_alive()
    ))
    .bind::<Text, _>(project)
    .bind::<Text, _>(node)
    .bind::<Text, _>(user)
    .bind::<Text, _>(client)
    .get_result(uow.conn())?;
    Ok(usize::try_from(found.clients).unwrap_or(0))
}
