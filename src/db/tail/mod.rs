//! Following what other processes commit, by the table `commits`: on PostgreSQL those of other nodes, on SQLite
//! those of commands that run beside the server.

mod postgres;
mod queries;
mod sqlite;

pub(crate) use postgres::{Tail, TailError};
pub(crate) use sqlite::{commits_after, forget_commits};

use diesel::Queryable;

use crate::events::{Revocation, RoomPresence};
use crate::ids::{NodeId, Room, Seq, UserId};

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
    /// Who came to rooms on another node, or left them.
    pub(crate) presence: Vec<PresenceElsewhere>,
}

/// A user came to a room on another node, or left it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PresenceElsewhere {
    /// The node.
    pub(crate) node: NodeId,
    /// What changed.
    pub(crate) change: RoomPresence,
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
    presence: Option<String>,
}

impl CommitRow {
    fn into_commit(self, reader: NodeId) -> Result<Commit, DbError> {
        let is_own = self.node == reader;
        let ranges: Vec<(String, Seq, Seq)> = serde_json::from_str(&self.rooms)?;
        // A room of a kind that this version does not know has no members here.
        let known = ranges.into_iter().filter_map(|(room, _, seq)| Some((room.parse().ok()?, seq)));
        let heads = known.map(|(room, seq)| Head { room, seq, is_own }).collect();
        let revocations = serde_json::from_str(&self.revocations)?;
        let presence = self.presence.filter(|_| !is_own);
        let presence: Vec<(String, UserId, bool)> =
            presence.map_or(Ok(Vec::new()), |json| serde_json::from_str(&json))?;
        let known = presence.into_iter().filter_map(|(room, user, is_present)| {
            let change = RoomPresence { room: room.parse().ok()?, user, is_present };
            Some(PresenceElsewhere { node: self.node, change })
        });
        let presence = known.collect();
        Ok(Commit { heads, revocations, is_own, has_admin_events: self.has_admin_events, presence })
    }
}
