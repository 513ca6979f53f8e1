//! The unit of work: rows, events, audit rows and idempotency record of one transaction commit together or
//! not at all. Committing is `write`'s.

use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};

use crate::clock::Timestamp;
use crate::events::{Committed, DomainEvent, Envelope, Revocation};
use crate::ids::{Room, UserId};

use super::audit_log::{self, NewAudit, Outcome};
use super::{DbConnection, DbError, event_log};

/// One transaction and everything that commits with it. Use cases take it as their first argument.
pub struct UnitOfWork<'c> {
    connection: &'c mut DbConnection,
    now: Timestamp,
    writable: bool,
    recorded: Vec<Recorded>,
    committed: Committed,
    after_commit: Vec<NewAudit>,
    failure: Option<DbError>,
}

struct Recorded {
    room: Room,
    kind: Arc<str>,
    by: Option<UserId>,
    data: Arc<RawValue>,
}

impl<'c> UnitOfWork<'c> {
    pub(super) fn begin(connection: &'c mut DbConnection, now: Timestamp, writable: bool) -> Self {
        Self {
            connection,
            now,
            writable,
            recorded: Vec::new(),
            committed: Committed::default(),
            after_commit: Vec::new(),
            failure: None,
        }
    }

    /// The connection, inside the transaction.
    pub fn conn(&mut self) -> &mut DbConnection {
        self.connection
    }

    /// The timestamp of the whole unit, fixed when it began.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Records a domain event; appended to the log of each of its rooms when the use case has succeeded.
    ///
    /// A unit's rooms are locked in one fixed order then, so that two units cannot deadlock.
    pub fn record(&mut self, by: Option<UserId>, event: &impl DomainEvent) {
        let data: Arc<RawValue> = match to_raw_value(event) {
            Ok(data) => data.into(),
            Err(error) => {
                self.failure = Some(error.into());
                return;
            }
        };
        let kind: Arc<str> = event.kind().into();
        let mut rooms = event.rooms();
        if event.for_admins() {
            rooms.push(Room::Admin);
        }
        rooms.sort();
        rooms.dedup();
        self.recorded.extend(rooms.into_iter().map(|room| Recorded {
            room,
            kind: kind.clone(),
            by,
            data: data.clone(),
        }));
    }

    /// Appends a domain event to one room at once, for the caller that needs its position (chat).
    ///
    /// At most one room per unit, and before anything is recorded: otherwise the fixed locking order would
    /// break.
    pub fn append(
        &mut self,
        room: &Room,
        by: Option<UserId>,
        event: &impl DomainEvent,
    ) -> Result<&Envelope, DbError> {
        let data = to_raw_value(event)?.into();
        let envelope =
            event_log::append(self.connection, room.clone(), event.kind().into(), by, self.now, data)?;
        self.committed.events.push(envelope);
        self.committed.events.last().ok_or_else(|| DbError::Unavailable("no event".into()))
    }

    /// Announces, after the commit, that a right has ended.
    pub(crate) fn end(&mut self, revocation: Revocation) {
        self.committed.revocations.push(revocation);
    }

    /// Writes an audit row: in the transaction if it may write, right after it otherwise. A refusal is always
    /// written afterwards, since a refused unit is rolled back.
    pub(crate) fn audit(&mut self, row: NewAudit) -> Result<(), DbError> {
        if self.writable && row.outcome != Outcome::Refused {
            return audit_log::append(self.connection, self.now, &row);
        }
        self.after_commit.push(row);
        Ok(())
    }

    /// On success: appends the recorded events and returns what to announce after the commit.
    pub(super) fn finish(mut self) -> Result<(Committed, Vec<NewAudit>), DbError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        // A stable sort: events of one room keep their recorded order.
        self.recorded.sort_by(|a, b| a.room.cmp(&b.room));
        for event in self.recorded {
            let envelope =
                event_log::append(self.connection, event.room, event.kind, event.by, self.now, event.data)?;
            self.committed.events.push(envelope);
        }
        Ok((self.committed, self.after_commit))
    }

    /// On failure: returns the audit rows that must be written anyway.
    pub(super) fn abandon(self) -> Vec<NewAudit> {
        self.after_commit
    }
}
