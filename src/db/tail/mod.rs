//! Following what other processes commit, by the table `commits`: on PostgreSQL those of other nodes, on SQLite
//! those of commands that run beside the server.

mod postgres;
mod queries;
mod sqlite;

pub(crate) use postgres::{Tail, TailError};
pub(crate) use sqlite::{commits_after, forget_commits};

use diesel::Queryable;

use crate::events::Revocation;
use crate::ids::{NodeId, Room, Seq};

use super::DbError;

/// What one commit announces.
#[derive(Debug)]
pub(crate) struct Commit {
    /// The positions of the newest events in the rooms that it appended to.
    pub(crate) heads: Vec<Head>,
    /// The rights that it ended.
    pub(crate) revocations: Vec<Revocation>,
    /// Whether this process committed it, and therefore announces the rights itself.
    pub(crate) is_own: bool,
    /// Whether it has events that the leader must append to the admins' room.
    pub(crate) has_admin_events: bool,
}

/// The position of a room's newest event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The room.
    pub(crate) room: Room,
    /// Position of its newest event, or a later one's.
    pub(crate) seq: Seq,
    /// Whether this process appended the event, and therefore reports it as well.
    pub(crate) is_own: bool,
}

/// A row of `commits`.
#[derive(Queryable)]
struct CommitRow {
    node: NodeId,
    rooms: String,
    revocations: String,
    has_admin_events: bool,
}

impl CommitRow {
    fn into_commit(self, reader: NodeId) -> Result<Commit, DbError> {
        let is_own = self.node == reader;
        let ranges: Vec<(String, Seq, Seq)> = serde_json::from_str(&self.rooms)?;
        // A room of a kind that this version does not know has no members here.
        let known = ranges.into_iter().filter_map(|(room, _, seq)| Some((room.parse().ok()?, seq)));
        let heads = known.map(|(room, seq)| Head { room, seq, is_own }).collect();
        let revocations = serde_json::from_str(&self.revocations)?;
        Ok(Commit { heads, revocations, is_own, has_admin_events: self.has_admin_events })
    }
}
