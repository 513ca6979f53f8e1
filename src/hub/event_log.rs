//! The hub's read access to the database: the heads of rooms, the events after a position, and who is in a room
//! on other nodes. Each call reads for many rooms at once.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::db::{Db, DbError, MemberElsewhere, event_log, presence};
use crate::events::Envelope;
use crate::ids::{Room, Seq};

use super::presence::has_presence;

/// What the hub must know of a room when its first member joins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomStart {
    /// Position of its newest event.
    pub head: Seq,
    /// Who is in it on other nodes.
    pub elsewhere: Vec<MemberElsewhere>,
}

/// The events of one room, or why they cannot be read.
pub type Events = Result<Vec<Envelope>, DbError>;

/// The event log as the hub reads it. A trait, so that ordering and recovery can be tested with logs that
/// fail or answer late. Answers are in the order of what was asked.
pub trait EventLog: Send + Sync + 'static {
    /// Heads of the rooms, and who is in them elsewhere.
    fn start(&self, rooms: Vec<Room>) -> BoxFuture<'static, Result<Vec<RoomStart>, DbError>>;

    /// The events of rooms after a position each, oldest first, at most `limit` of each room. A room whose events
    /// cannot be read fails alone.
    fn after(
        &self,
        reads: Vec<(Room, Seq)>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Events>, DbError>>;
}

impl EventLog for Db {
    fn start(&self, rooms: Vec<Room>) -> BoxFuture<'static, Result<Vec<RoomStart>, DbError>> {
        let (db, node, is_shared) = (self.clone(), self.node(), self.is_shared());
        let read = async move {
            db.read(move |uow| {
                let heads = event_log::heads(uow.conn(), &rooms)?;
                let elsewhere = if is_shared && rooms.iter().any(has_presence) {
                    presence::elsewhere(uow.conn(), node, &rooms)?
                } else {
                    vec![Vec::new(); rooms.len()]
                };
                let both = heads.into_iter().zip(elsewhere);
                Ok::<_, DbError>(both.map(|(head, elsewhere)| RoomStart { head, elsewhere }).collect())
            })
            .await
        };
        read.boxed()
    }

    fn after(
        &self,
        reads: Vec<(Room, Seq)>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Events>, DbError>> {
        let db = self.clone();
        async move { db.read(move |uow| event_log::after_each(uow.conn(), &reads, limit)).await }.boxed()
    }
}
