//! Appending events to the logs of their rooms, and telling other processes of the commit: on PostgreSQL two
//! statements however many events there are, on SQLite, where a statement costs no round trip, one each.

mod postgres;
mod sqlite;

use std::sync::Arc;

use diesel::prelude::*;
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::db::schema::{commits, events};
use crate::db::{DbConnection, DbError, each};
use crate::events::{Envelope, Revocation, RoomPresence};
use crate::ids::{NodeId, Room, Seq, UserId};

/// An event that waits for its position.
pub(super) struct NewEvent {
    pub(super) room: Room,
    pub(super) kind: Arc<str>,
    pub(super) by: Option<UserId>,
    pub(super) data: Arc<RawValue>,
}

/// An event for the admins' room that waits in `commits` until one node appends it.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct AdminEvent {
    pub(super) kind: Arc<str>,
    pub(super) by: Option<UserId>,
    pub(super) at: Timestamp,
    pub(super) data: Arc<RawValue>,
}

/// What a commit tells other processes.
pub(super) struct Announcement<'a> {
    pub(super) node: NodeId,
    pub(super) revocations: &'a [Revocation],
    pub(super) admin_events: &'a [AdminEvent],
    pub(super) presence: &'a [RoomPresence],
}

/// The first and the last position that a commit took in a room.
type RoomRange = (Room, Seq, Seq);

/// A room, a user, and whether the user is there from now on.
type PresenceChange = (Room, UserId, bool);

/// Gives the events their positions, which locks the rooms' rows in the order of the events until the commit.
/// Events of one room must stand together.
pub(super) fn take_positions(
    connection: &mut DbConnection,
    at: Timestamp,
    new: Vec<NewEvent>,
) -> Result<Vec<Envelope>, DbError> {
    let mut names: Vec<String> = Vec::new();
    let mut counts: Vec<i64> = Vec::new();
    let mut previous = None;
    for event in &new {
        match counts.last_mut().filter(|_| previous == Some(&event.room)) {
            Some(count) => *count += 1,
            None => {
                names.push(event.room.to_string());
                counts.push(1);
            }
        }
        previous = Some(&event.room);
    }
    let mut heads = advance(connection, &names, &counts)?.into_iter().zip(counts);
    let mut events: Vec<Envelope> = Vec::with_capacity(new.len());
    for NewEvent { room, kind, by, data } in new {
        let seq = match events.last().filter(|last| last.room == room) {
            Some(last) => last.seq.next(),
            None => {
                let (head, count) = heads.next().ok_or(DbError::Diesel(diesel::result::Error::NotFound))?;
                Seq::from_i64(head - count + 1)
            }
        };
        events.push(Envelope { room, seq, kind, by, at, data });
    }
    Ok(events)
}

/// Moves the heads of the rooms on by these counts; returns the new heads in the order of the rooms.
fn advance(connection: &mut DbConnection, names: &[String], counts: &[i64]) -> Result<Vec<i64>, DbError> {
    match connection {
        _ if names.is_empty() => Ok(Vec::new()),
        DbConnection::Postgresql(c) => Ok(postgres::Advance { names, counts }.load::<i64>(c)?),
        DbConnection::Sqlite(c) => {
            let advanced = names.iter().zip(counts).map(|(name, count)| sqlite::advance(c, name, *count));
            Ok(advanced.collect::<QueryResult<_>>()?)
        }
    }
}

/// Inserts the events, and the row of `commits` by which other processes hear of them.
pub(super) fn insert(
    connection: &mut DbConnection,
    at: Timestamp,
    new: &[Envelope],
    announcement: Option<&Announcement<'_>>,
) -> Result<(), DbError> {
    let commit = announcement.map(|announcement| Commit::new(announcement, at, new)).transpose()?;
    match (connection, commit) {
        (DbConnection::Postgresql(c), Some(commit)) => {
            postgres::InsertAll::new(new, commit).execute(c)?;
        }
        (connection, commit) => {
            for event in new {
                insert_one(connection, event)?;
            }
            if let Some(commit) = commit {
                diesel::insert_into(commits::table).values(commit).execute(connection)?;
            }
        }
    }
    Ok(())
}

fn insert_one(connection: &mut DbConnection, event: &Envelope) -> Result<(), DbError> {
    each!(connection, |c| diesel::insert_into(events::table)
        .values((
            events::room.eq(event.room.to_string()),
            events::seq.eq(event.seq.as_i64()),
            events::kind.eq(&*event.kind),
            events::by_user.eq(event.by),
            events::at.eq(event.at),
            events::data.eq(event.data.get()),
        ))
        .execute(c))?;
    Ok(())
}

/// A row of `commits`.
#[derive(Insertable)]
#[diesel(table_name = commits)]
struct Commit {
    node: NodeId,
    at: Timestamp,
    rooms: String,
    revocations: String,
    admin_events: Option<String>,
    presence: Option<String>,
}

impl Commit {
    fn new(announcement: &Announcement<'_>, at: Timestamp, events: &[Envelope]) -> Result<Self, DbError> {
        let mut ranges: Vec<RoomRange> = Vec::new();
        for event in events {
            match ranges.last_mut().filter(|(room, ..)| *room == event.room) {
                Some((.., last)) => *last = event.seq,
                None => ranges.push((event.room.clone(), event.seq, event.seq)),
            }
        }
        let Announcement { node, revocations, admin_events, presence } = announcement;
        let presence: Vec<PresenceChange> =
            presence.iter().map(|change| (change.room.clone(), change.user, change.is_present)).collect();
        let presence = (!presence.is_empty()).then(|| serde_json::to_string(&presence));
        let admin_events = (!admin_events.is_empty()).then(|| serde_json::to_string(admin_events));
        Ok(Self {
            node: *node,
            at,
            rooms: serde_json::to_string(&ranges)?,
            revocations: serde_json::to_string(revocations)?,
            admin_events: admin_events.transpose()?,
            presence: presence.transpose()?,
        })
    }
}
