//! The rows of nodes and connections; PostgreSQL only.

use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};

use crate::clock::Timestamp;
use crate::db::node_liveness::{NOW, is_alive, seen_within};
use crate::db::schema::{leases, live_connections, nodes};
use crate::db::{DbError, UnitOfWork, presence};
use crate::domain::Page;
use crate::hub::SessionFilter;
use crate::ids::{ConnectionId, LoginId, NodeId, ProjectId, UserId};

use super::{Board, DELETE_AFTER, LiveConnection};

/// Lets one handshake of a user at a time count and register, on all nodes together, until the commit.
pub(super) fn lock_user(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<(), DbError> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 7305804404))")
        .bind::<Text, _>(user)
        .execute(uow.conn())?;
    Ok(())
}

pub(super) fn insert(
    uow: &mut UnitOfWork<'_>,
    node: NodeId,
    connection: &LiveConnection,
) -> Result<(), DbError> {
    diesel::insert_into(live_connections::table)
        .values(Row::of(node, connection, None))
        .execute(uow.conn())?;
    Ok(())
}

/// The connections of a user that count, with the node that has each: those of this node, and those of others that are
/// alive.
pub(super) fn of_user(
    uow: &mut UnitOfWork<'_>,
    node: NodeId,
    user: UserId,
) -> Result<Vec<(ConnectionId, NodeId)>, DbError> {
    let counts = live_connections::node.eq(node).or(sql::<Bool>(&is_alive()));
    Ok(live_connections::table
        .left_join(nodes::table.on(nodes::id.eq(live_connections::node)))
        .filter(live_connections::user_id.eq(user).and(counts))
        .select((live_connections::id, live_connections::node))
        .load(uow.conn())?)
}

/// The rows of this node's connections.
pub(super) fn of_node(uow: &mut UnitOfWork<'_>, node: NodeId) -> Result<Vec<ConnectionId>, DbError> {
    let of_node = live_connections::node.eq(node);
    Ok(live_connections::table.filter(of_node).select(live_connections::id).load(uow.conn())?)
}

pub(super) fn is_elsewhere(
    uow: &mut UnitOfWork<'_>,
    node: NodeId,
    connection: ConnectionId,
) -> Result<bool, DbError> {
    let found = live_connections::table
        .inner_join(nodes::table.on(nodes::id.eq(live_connections::node)))
        .filter(live_connections::id.eq(connection).and(live_connections::node.ne(node)))
        .filter(sql::<Bool>(&is_alive()))
        .select(live_connections::id)
        .get_result::<ConnectionId>(uow.conn())
        .optional()?;
    Ok(found.is_some())
}

pub(super) fn list_elsewhere(
    uow: &mut UnitOfWork<'_>,
    node: NodeId,
    filter: SessionFilter,
    on: Option<NodeId>,
    page: &Page<ConnectionId>,
) -> Result<Vec<LiveConnection>, DbError> {
    let mut query = live_connections::table
        .inner_join(nodes::table.on(nodes::id.eq(live_connections::node)))
        .filter(live_connections::node.ne(node))
        .filter(sql::<Bool>(&is_alive()))
        .order(live_connections::id.desc())
        .limit(page.fetch())
        .select(Row::as_select())
        .into_boxed();
    query = match filter {
        SessionFilter::All => query,
        SessionFilter::User(user) => query.filter(live_connections::user_id.eq(user)),
        SessionFilter::Connection(connection) => query.filter(live_connections::id.eq(connection)),
        // No index: among 10,000 rows it takes a millisecond, and an index would be written with each connection.
        SessionFilter::Address(address) => query.filter(live_connections::address.eq(address.to_string())),
    };
    if let Some(on) = on {
        query = query.filter(live_connections::node.eq(on));
    }
    if let Some(before) = page.before {
        query = query.filter(live_connections::id.lt(before));
    }
    let rows: Vec<Row> = query.load(uow.conn())?;
    rows.into_iter().map(Row::into_connection).collect()
}

/// Says that the node lives; returns whether that was unknown, and the other nodes that were seen lately.
pub(super) fn beat(uow: &mut UnitOfWork<'_>, node: NodeId) -> Result<(bool, Vec<NodeId>), DbError> {
    let known: i64 = nodes::table.find(node).select(count_star()).get_result(uow.conn())?;
    diesel::sql_query(format!(
        "INSERT INTO nodes (id, seen_at) VALUES ($1, {NOW}) ON CONFLICT (id) DO UPDATE SET seen_at = {NOW}"
    ))
    .bind::<Text, _>(node)
    .execute(uow.conn())?;
    let silent = format!("NOT ({})", seen_within(DELETE_AFTER));
    diesel::delete(nodes::table.filter(sql::<Bool>(&silent))).execute(uow.conn())?;
    diesel::sql_query(
        "DELETE FROM live_connections WHERE NOT EXISTS (SELECT FROM nodes WHERE nodes.id = live_connections.node)",
    )
    .execute(uow.conn())?;
    diesel::sql_query(
        "DELETE FROM room_members WHERE NOT EXISTS (SELECT FROM nodes WHERE nodes.id = room_members.node)",
    )
    .execute(uow.conn())?;
    // The leader's has an end of its own.
    diesel::sql_query(
        "DELETE FROM leases WHERE ends_at = 0 AND NOT EXISTS (SELECT FROM nodes WHERE nodes.id = leases.node)",
    )
    .execute(uow.conn())?;
    Ok((known == 0, others(uow, node)?))
}

/// A row of `nodes`, and for how long the node has been silent.
#[derive(QueryableByName)]
pub(super) struct SeenNode {
    #[diesel(sql_type = Text)]
    pub(super) id: NodeId,
    #[diesel(sql_type = BigInt)]
    pub(super) silent_micros: i64,
}

/// All nodes that are not forgotten yet, the oldest first.
pub(super) fn all(uow: &mut UnitOfWork<'_>) -> Result<Vec<SeenNode>, DbError> {
    let sql = format!("SELECT id, GREATEST({NOW} - seen_at, 0) AS silent_micros FROM nodes ORDER BY id");
    Ok(diesel::sql_query(sql).load(uow.conn())?)
}

/// The other nodes that were seen lately.
pub(super) fn others(uow: &mut UnitOfWork<'_>, node: NodeId) -> Result<Vec<NodeId>, DbError> {
    let others = nodes::table.filter(nodes::id.ne(node)).filter(sql::<Bool>(&is_alive())).select(nodes::id);
    Ok(others.load(uow.conn())?)
}

pub(super) fn delete(uow: &mut UnitOfWork<'_>, ended: &[ConnectionId]) -> Result<(), DbError> {
    let Some(c) = uow.conn().postgres() else { return Ok(()) };
    diesel::sql_query("DELETE FROM live_connections WHERE id = ANY($1)")
        .bind::<Array<Text>, _>(ended)
        .execute(c)?;
    Ok(())
}

/// Adds what is missing, and brings what has changed up to date.
pub(super) fn upsert(
    uow: &mut UnitOfWork<'_>,
    node: NodeId,
    connections: &[(&LiveConnection, Option<Board>)],
) -> Result<(), DbError> {
    let Some(c) = uow.conn().postgres() else { return Ok(()) };
    let ids: Vec<ConnectionId> = connections.iter().map(|(connection, _)| connection.id).collect();
    let rows: Vec<Row> =
        connections.iter().map(|(connection, board)| Row::of(node, connection, board.as_ref())).collect();
    let of = |column: fn(&Row) -> i64| rows.iter().map(column).collect::<Vec<i64>>();
    let text = |column: fn(&Row) -> &str| rows.iter().map(column).collect::<Vec<&str>>();
    diesel::sql_query(
        "INSERT INTO live_connections AS old (id, node, user_id, login_id, issuer, endpoint, address, since, \
         last_seen_at, messages, rooms, project_id, client_id) \
         SELECT id, $1, user_id, login_id, issuer, endpoint, address, since, last_seen_at, messages, rooms, \
         project_id, client_id FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS new (id, user_id, \
         login_id, issuer, endpoint, address, since, last_seen_at, messages, rooms, project_id, client_id) \
         ON CONFLICT (id) DO UPDATE SET last_seen_at = excluded.last_seen_at, messages = excluded.messages, \
         rooms = excluded.rooms \
         WHERE (old.last_seen_at, old.messages, old.rooms) \
         IS DISTINCT FROM (excluded.last_seen_at, excluded.messages, excluded.rooms)",
    )
    .bind::<Text, _>(node)
    .bind::<Array<Text>, _>(&ids)
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.user_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.login_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.issuer.as_deref()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(text(|row| &row.endpoint))
    .bind::<Array<Text>, _>(text(|row| &row.address))
    .bind::<Array<BigInt>, _>(of(|row| row.since.as_micros()))
    .bind::<Array<BigInt>, _>(of(|row| row.last_seen_at.as_micros()))
    .bind::<Array<BigInt>, _>(of(|row| row.messages))
    .bind::<Array<BigInt>, _>(of(|row| row.rooms))
    .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.project_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.client_id.as_deref()).collect::<Vec<_>>())
    .execute(c)?;
    Ok(())
}

pub(super) fn leave(uow: &mut UnitOfWork<'_>, node: NodeId) -> Result<(), DbError> {
    diesel::delete(live_connections::table.filter(live_connections::node.eq(node))).execute(uow.conn())?;
    presence::forget_node(uow, node)?;
    diesel::delete(nodes::table.find(node)).execute(uow.conn())?;
    diesel::delete(leases::table.filter(leases::node.eq(node))).execute(uow.conn())?;
    Ok(())
}

/// A row of `live_connections`.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = live_connections)]
struct Row {
    id: ConnectionId,
    node: NodeId,
    user_id: UserId,
    login_id: Option<LoginId>,
    issuer: Option<String>,
    endpoint: String,
    address: String,
    since: Timestamp,
    last_seen_at: Timestamp,
    messages: i64,
    rooms: i64,
    project_id: Option<ProjectId>,
    client_id: Option<String>,
}

impl Row {
    fn of(node: NodeId, connection: &LiveConnection, board: Option<&Board>) -> Self {
        Self {
            id: connection.id,
            node,
            user_id: connection.user,
            login_id: connection.login,
            issuer: connection.issuer.as_deref().map(str::to_owned),
            endpoint: connection.endpoint.to_string(),
            address: connection.address.to_string(),
            since: connection.since,
            last_seen_at: connection.last_seen_at,
            messages: i64::try_from(connection.messages).unwrap_or(i64::MAX),
            rooms: i64::try_from(connection.rooms).unwrap_or(i64::MAX),
            project_id: board.map(|(project, _)| *project),
            client_id: board.map(|(_, client)| client.as_str().to_string()),
        }
    }

    fn into_connection(self) -> Result<LiveConnection, DbError> {
        Ok(LiveConnection {
            id: self.id,
            user: self.user_id,
            login: self.login_id,
            issuer: self.issuer.map(Into::into),
            endpoint: self.endpoint.into(),
            address: self.address.parse().map_err(DbError::unreadable)?,
            since: self.since,
            last_seen_at: self.last_seen_at,
            messages: u64::try_from(self.messages).unwrap_or(0),
            rooms: usize::try_from(self.rooms).unwrap_or(0),
            node: Some(self.node),
            here: None,
        })
    }
}
