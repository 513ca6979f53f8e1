//! Which users each node has in which rooms; PostgreSQL only. On SQLite there is one server, and its hub knows.

use std::collections::HashSet;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Text};

use crate::events::RoomPresence;
use crate::ids::{NodeId, Room, UserId};

use super::node_liveness::is_alive;
use super::schema::room_members;
use super::{DbConnection, DbError, UnitOfWork};

/// A user whom another node has in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberElsewhere {
    /// The user.
    pub(crate) user: UserId,
    /// The node.
    pub(crate) node: NodeId,
}

/// Who is in each of these rooms on other nodes.
pub(crate) fn elsewhere(
    connection: &mut DbConnection,
    node: NodeId,
    rooms: &[Room],
) -> Result<Vec<Vec<MemberElsewhere>>, DbError> {
    let mut found = vec![Vec::new(); rooms.len()];
    let names: Vec<String> = rooms.iter().map(Room::to_string).collect();
    let DbConnection::Postgresql(c) = connection else { return Ok(found) };
    let rows: Vec<(i64, UserId, NodeId)> = Elsewhere { node, names: &names }.load(c)?;
    for (number, user, node) in rows {
        // Rooms are numbered from 1.
        let place = usize::try_from(number - 1).ok().and_then(|index| found.get_mut(index));
        if let Some(members) = place {
            members.push(MemberElsewhere { user, node });
        }
    }
    Ok(found)
}

/// Stores who came and left on this node, and tells the other nodes with the commit.
pub(crate) fn store(uow: &mut UnitOfWork<'_>, node: NodeId, changes: &[RoomPresence]) -> Result<(), DbError> {
    let columns = |is_present: bool| -> (Vec<String>, Vec<UserId>) {
        let chosen = changes.iter().filter(|change| change.is_present == is_present);
        chosen.map(|change| (change.room.to_string(), change.user)).unzip()
    };
    let (left, come) = (columns(false), columns(true));
    let DbConnection::Postgresql(c) = uow.conn() else { return Ok(()) };
    if !left.0.is_empty() {
        diesel::sql_query(
            "DELETE FROM room_members m USING unnest($1, $2) AS gone (room, user_id) \
             WHERE m.room = gone.room AND m.user_id = gone.user_id AND m.node = $3",
        )
        .bind::<Array<Text>, _>(&left.0)
        .bind::<Array<Text>, _>(&left.1)
        .bind::<Text, _>(node)
        .execute(c)?;
    }
    if !come.0.is_empty() {
        diesel::sql_query(
            "INSERT INTO room_members (room, user_id, node) SELECT room, user_id, $3 \
             FROM unnest($1, $2) AS came (room, user_id) ON CONFLICT DO NOTHING",
        )
        .bind::<Array<Text>, _>(&come.0)
        .bind::<Array<Text>, _>(&come.1)
        .bind::<Text, _>(node)
        .execute(c)?;
    }
    uow.tell_presence(changes.to_vec());
    Ok(())
}

/// What must change for this node's rows to say that exactly these users are in these rooms.
pub(crate) fn differences(
    uow: &mut UnitOfWork<'_>,
    node: NodeId,
    present: &[(Room, UserId)],
) -> Result<Vec<RoomPresence>, DbError> {
    let stored: Vec<(String, UserId)> = room_members::table
        .filter(room_members::node.eq(node))
        .select((room_members::room, room_members::user_id))
        .load(uow.conn())?;
    let stored: HashSet<(Room, UserId)> =
        stored.into_iter().filter_map(|(room, user)| Some((room.parse().ok()?, user))).collect();
    let present: HashSet<&(Room, UserId)> = present.iter().collect();
    let change = |(room, user): &(Room, UserId), is_present| RoomPresence {
        room: room.clone(),
        user: *user,
        is_present,
    };
    let come = present.iter().filter(|pair| !stored.contains(**pair)).map(|pair| change(pair, true));
    let left = stored.iter().filter(|pair| !present.contains(pair)).map(|pair| change(pair, false));
    Ok(come.chain(left).collect())
}

/// Deletes all rows of a node, at its stop.
pub(crate) fn forget_node(uow: &mut UnitOfWork<'_>, node: NodeId) -> Result<(), DbError> {
    diesel::delete(room_members::table.filter(room_members::node.eq(node))).execute(uow.conn())?;
    Ok(())
}

struct Elsewhere<'a> {
    node: NodeId,
    names: &'a [String],
}

impl QueryId for Elsewhere<'_> {
    type QueryId = Elsewhere<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for Elsewhere<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT asked.number, m.user_id, m.node FROM unnest(");
        out.push_bind_param::<Array<Text>, _>(self.names)?;
        out.push_sql(
            ") WITH ORDINALITY AS asked (room, number) JOIN room_members m ON m.room = asked.room \
             JOIN nodes ON nodes.id = m.node WHERE ",
        );
        out.push_sql(&is_alive());
        out.push_sql(" AND m.node <> ");
        out.push_bind_param::<Text, _>(&self.node)?;
        Ok(())
    }
}

impl Query for Elsewhere<'_> {
    type SqlType = (BigInt, Text, Text);
}

impl<C> RunQueryDsl<C> for Elsewhere<'_> {}
