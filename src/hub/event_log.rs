//! The hub's read access to the event log: a room's head, and the events after a position.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::db::{Db, DbError, event_log};
use crate::events::Envelope;
use crate::ids::{Room, Seq};

/// The event log as the hub reads it. A trait, so that ordering and recovery can be tested with logs that
/// fail or answer late.
pub trait EventLog: Send + Sync + 'static {
    /// Position of the room's newest event.
    fn head(&self, room: Room) -> BoxFuture<'static, Result<Seq, DbError>>;

    /// The room's events after `since`, oldest first, at most `limit`.
    fn after(
        &self,
        room: Room,
        since: Seq,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Envelope>, DbError>>;
}

impl EventLog for Db {
    fn head(&self, room: Room) -> BoxFuture<'static, Result<Seq, DbError>> {
        let db = self.clone();
        async move { db.read(move |uow| event_log::head(uow.conn(), &room)).await }.boxed()
    }

    fn after(
        &self,
        room: Room,
        since: Seq,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Envelope>, DbError>> {
        let db = self.clone();
        async move { db.read(move |uow| event_log::after(uow.conn(), &room, since, limit)).await }.boxed()
    }
}
