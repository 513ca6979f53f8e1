//! The unit of work: rows, events, audit rows and idempotency record of one transaction commit together or
//! not at all. Committing is `write`'s.

use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};

use crate::clock::Timestamp;
use crate::events::{Committed, DomainEvent, Envelope, Revocation, RoomPresence};
use crate::ids::{NodeId, Room, UserId};

use super::append::{self, AdminEvent, Announcement, NewEvent};
use super::audit_log::{self, NewAudit, Outcome};
use super::{DbConnection, DbError};

/// One transaction and everything that commits with it. Use cases take it as their first argument.
pub struct UnitOfWork<'c> {
    connection: &'c mut DbConnection,
    now: Timestamp,
    writable: bool,
    /// The process that other processes hear of this commit from; `None` if there are none to tell.
    node: Option<NodeId>,
    recorded: Vec<NewEvent>,
    admin_events: Vec<AdminEvent>,
    presence: Vec<RoomPresence>,
    committed: Committed,
    after_commit: Vec<NewAudit>,
    failure: Option<DbError>,
}

impl<'c> UnitOfWork<'c> {
    /// A unit of work that may write; `node` as in its field.
    pub(super) fn begin(connection: &'c mut DbConnection, now: Timestamp, node: Option<NodeId>) -> Self {
        Self { writable: true, node, ..Self::begin_reading(connection, now) }
    }

    /// A unit of work that only reads.
    pub(super) fn begin_reading(connection: &'c mut DbConnection, now: Timestamp) -> Self {
        Self {
            connection,
            now,
            writable: false,
            node: None,
            recorded: Vec::new(),
            admin_events: Vec::new(),
            presence: Vec::new(),
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
        // On PostgreSQL every decision would wait for the lock on that one room until the commit of the one
        // before: there the admins' room is filled from `commits`.
        if event.for_admins() && self.connection.is_postgres() {
            let event = AdminEvent { kind: kind.clone(), by, at: self.now, data: data.clone() };
            self.admin_events.push(event);
        } else if event.for_admins() {
            rooms.push(Room::Admin);
        }
        rooms.sort();
        rooms.dedup();
        self.recorded.extend(rooms.into_iter().map(|room| NewEvent {
            room,
            kind: kind.clone(),
            by,
            data: data.clone(),
        }));
    }

    /// Takes a domain event's position in one room at once, for the caller that needs it (chat).
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
        let new = NewEvent { room: room.clone(), kind: event.kind().into(), by, data };
        let events = append::take_positions(self.connection, self.now, vec![new])?;
        self.committed.events.extend(events);
        self.committed.events.last().ok_or_else(|| DbError::Unavailable("no event".into()))
    }

    /// Announces, after the commit, that a right has ended.
    pub(crate) fn end(&mut self, revocation: Revocation) {
        self.committed.revocations.push(revocation);
    }

    /// Tells other nodes, with the commit, who came to rooms on this one and who left them.
    pub(super) fn tell_presence(&mut self, changes: Vec<RoomPresence>) {
        self.presence.extend(changes);
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
        let events = append::take_positions(self.connection, self.now, self.recorded)?;
        self.committed.events.extend(events);
        let Committed { events, revocations } = &mut self.committed;
        for revocation in revocations.iter_mut() {
            if let Revocation::Membership { room, seq, .. } = revocation {
                *seq = events.iter().rfind(|event| event.room == *room).map(|event| event.seq);
            }
        }
        let Committed { events, revocations } = &self.committed;
        let tells_nothing = events.is_empty() && revocations.is_empty();
        if tells_nothing && self.admin_events.is_empty() && self.presence.is_empty() {
            return Ok((self.committed, self.after_commit));
        }
        let announcement = self.node.map(|node| Announcement {
            node,
            revocations,
            admin_events: &self.admin_events,
            presence: &self.presence,
        });
        append::insert(self.connection, self.now, events, announcement.as_ref())?;
        Ok((self.committed, self.after_commit))
    }

    /// For a trial that is rolled back whatever comes of it: takes out what it would have announced (events with their
    /// rooms, and how many rights would have ended), and forgets the audit rows of its refusals.
    pub(crate) fn forget(&mut self) -> (Vec<(Arc<str>, Room)>, usize) {
        self.after_commit.clear();
        let appended = self.committed.events.drain(..).map(|event| (event.kind, event.room));
        let recorded = self.recorded.drain(..).map(|event| (event.kind, event.room));
        let for_admins = self.admin_events.drain(..).map(|event| (event.kind, Room::Admin));
        let events = appended.chain(recorded).chain(for_admins).collect();
        (events, std::mem::take(&mut self.committed.revocations).len())
    }

    /// On failure: returns the audit rows that must be written anyway.
    pub(super) fn abandon(self) -> Vec<NewAudit> {
        self.after_commit
    }
}
