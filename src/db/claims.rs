//! Which node does a piece of work that one node should do; PostgreSQL only. On SQLite there is one server.
//!
//! A claim is a row of `leases`. It holds until it is released, or its node has been silent for so long that it counts
//! as dead.

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::ids::NodeId;

use super::node_liveness::is_alive;
use super::{DbConnection, DbError, UnitOfWork};

/// Claims the work for this node; `false` while another node that lives has it.
pub(crate) fn take(uow: &mut UnitOfWork<'_>, node: NodeId, work: &str) -> Result<bool, DbError> {
    let DbConnection::Postgresql(c) = uow.conn() else { return Ok(true) };
    let taken = diesel::sql_query(format!(
        "INSERT INTO leases AS held (name, node, ends_at) VALUES ($1, $2, 0) \
         ON CONFLICT (name) DO UPDATE SET node = excluded.node WHERE held.node = excluded.node \
         OR NOT EXISTS (SELECT FROM nodes WHERE nodes.id = held.node AND {})",
        is_alive()
    ));
    Ok(taken.bind::<Text, _>(work).bind::<Text, _>(node).execute(c)? == 1)
}

/// The work is done, or is not to be done any more.
pub(crate) fn release(uow: &mut UnitOfWork<'_>, node: NodeId, work: &str) -> Result<(), DbError> {
    let DbConnection::Postgresql(c) = uow.conn() else { return Ok(()) };
    let released = diesel::sql_query("DELETE FROM leases WHERE name = $1 AND node = $2");
    released.bind::<Text, _>(work).bind::<Text, _>(node).execute(c)?;
    Ok(())
}

/// A condition, as SQL: no other node that lives has claimed the work whose name is this SQL expression.
pub(crate) fn is_free(connection: &DbConnection, node: NodeId, work: &str) -> String {
    if !connection.is_postgres() {
        return "1 = 1".to_owned();
    }
    format!(
        "NOT EXISTS (SELECT FROM leases JOIN nodes ON nodes.id = leases.node \
         WHERE leases.name = {work} AND leases.node <> '{node}' AND {})",
        is_alive()
    )
}
