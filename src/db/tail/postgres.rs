//! PostgreSQL: each poll asks for the rows that became visible since the last one, that is, whose transaction
//! the last poll's snapshot did not see. A transaction that is open for long delays nobody, and one that
//! commits late is not skipped; a position in a sequence would do the one or the other.

use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::clock::Timestamp;
use crate::db::append::{self, AdminEvent, Announcement, NewEvent};
use crate::db::connection::{Access, ConnectError, Manager};
use crate::db::schema::commit_readers;
use crate::db::{DbConfig, DbConnection, DbError};
use crate::events::Envelope;
use crate::ids::{NodeId, Room};

use super::queries::{AdminEventsSince, Poll, Polled, Since};
use super::{Commit, CommitRow};

/// How far back commits are read again after the connection was lost: a server that crashed may give a
/// transaction number to two transactions, if nothing of the first one had reached its log.
const READ_AGAIN: Duration = Duration::from_secs(60);

/// System identifier and timeline of a server, and the number of the database. The timeline is that of the log which is
/// written now: the one of the last checkpoint stays the former one for a while after a promotion.
const IDENTITY: &str = "(SELECT system_identifier FROM pg_control_system())::text || '/' || \
    left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/' || \
    (SELECT oid FROM pg_database WHERE datname = current_database())::text";

/// Takes or renews the lease of the leader, by the clock of PostgreSQL. It ends also for a leader that hangs or whose
/// machine is lost.
const LEAD: &str = "INSERT INTO leases AS held (name, node, ends_at) \
    VALUES ('leader', $1, (extract(epoch FROM clock_timestamp() + interval '5 s') * 1000000)::bigint) \
    ON CONFLICT (name) DO UPDATE SET node = excluded.node, ends_at = excluded.ends_at \
    WHERE held.node = excluded.node \
    OR held.ends_at < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// The row of `commit_readers` that says which commits the room `admin` has.
const ADMIN: &str = "admin";

/// Why commits could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// A statement failed. What is missed meanwhile is read afterwards.
    #[error(transparent)]
    Database(#[from] DbError),
    /// Connecting failed.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The server is a standby.
    #[error("the server is a standby")]
    Standby,
    /// A row says what this version does not know: which right ended is unknown.
    #[error("a commit announces what this version does not know: {0}")]
    Unreadable(DbError),
    /// The database was restored, or a standby took over: what sessions were sent may not exist in it.
    #[error("another database took its place (system/timeline/database {before} before, {now} now)")]
    Replaced {
        /// System identifier, timeline and number of the database before.
        before: String,
        /// Those of now.
        now: String,
    },
    /// The reader itself failed.
    #[error("the reader of commits failed")]
    Interrupted,
}

impl TailError {
    /// Whether what is missed meanwhile can be read afterwards.
    pub(crate) fn may_go_on(&self) -> bool {
        match self {
            Self::Database(_) | Self::Connect(_) | Self::Standby => true,
            Self::Replaced { .. } | Self::Unreadable(_) | Self::Interrupted => false,
        }
    }
}

impl From<diesel::result::Error> for TailError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<ConnectError> for TailError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error.to_string())
    }
}

/// Follows the commits of all processes on one PostgreSQL database, on a connection of its own. Blocking.
pub(crate) struct Tail {
    manager: Manager,
    node: NodeId,
    connection: Option<PgConnection>,
    /// What this snapshot sees has been read; `None`: start with what is not yet visible now.
    snapshot: Option<String>,
    /// System identifier and timeline of the server, and the number of the database.
    identity: Option<String>,
    /// Commits from here on are read again at the next poll.
    again_from: Option<Timestamp>,
    /// Commits were read again since this was last asked.
    has_read_again: bool,
    is_leader: bool,
}

impl Tail {
    /// Follows the database that `config` names, as the process `node`. Connects at the first poll.
    pub(crate) fn new(config: &DbConfig, node: NodeId) -> Self {
        Self {
            manager: Manager::new(config, Access::Write),
            node,
            connection: None,
            snapshot: None,
            identity: None,
            again_from: None,
            has_read_again: false,
            is_leader: false,
        }
    }

    /// What has become visible since the last poll; nothing the first time. After a failure the next poll
    /// connects again and goes on where the last successful one ended.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Result<Vec<Commit>, TailError> {
        let polled = self.connect().and_then(|()| self.read());
        match &polled {
            Ok(_) => self.again_from = None,
            Err(_) => self.disconnect(now),
        }
        polled
    }

    /// Starts anew at the next poll. For a caller that has ended every session that could have missed
    /// something.
    pub(crate) fn start_anew(&mut self) {
        self.connection = None;
        self.is_leader = false;
        self.snapshot = None;
        self.identity = None;
        self.again_from = None;
    }

    /// Which database this is, once connected: the same on every node, and also after a standby has taken over.
    pub(crate) fn database(&self) -> Option<String> {
        let mut parts = self.identity.as_deref()?.split('/');
        let (system, _, number) = (parts.next()?, parts.next()?, parts.next()?);
        Some(format!("{system}:{number}"))
    }

    /// Whether commits were read again since the last call, whose presence was left out: it may be outdated.
    pub(crate) fn take_read_again(&mut self) -> bool {
        std::mem::take(&mut self.has_read_again)
    }

    /// Whether this process is the leader: the one that does what need not be done twice.
    pub(crate) fn is_leader(&self) -> bool {
        self.is_leader
    }

    /// Stays the leader, or becomes it if there is none. For some seconds: to be called every second.
    pub(crate) fn try_to_lead(&mut self) -> Result<(), TailError> {
        let Some(connection) = self.connection.as_mut() else { return Ok(()) };
        let taken = diesel::sql_query(LEAD).bind::<Text, _>(self.node).execute(connection)?;
        self.is_leader = taken == 1;
        Ok(())
    }

    /// Appends to the room `admin` the events that commits have for it. Done by the leader; were it done by
    /// two at a time, each event would still be appended once.
    pub(crate) fn fill_admin_room(&mut self, now: Timestamp) -> Result<Vec<Envelope>, TailError> {
        let Some(connection) = self.connection.take() else { return Ok(Vec::new()) };
        let mut connection = DbConnection::Postgresql(connection);
        let filled = begin_and_fill(&mut connection, self.node, now);
        match connection {
            DbConnection::Postgresql(connection) if filled.is_ok() => self.connection = Some(connection),
            // In an unknown state: the next poll opens another one.
            _ => self.disconnect(now),
        }
        Ok(filled?)
    }

    /// Deletes rows from before `before` that every reader has read, at most `limit`; returns their number.
    pub(crate) fn forget(&mut self, before: Timestamp, limit: i64) -> Result<usize, TailError> {
        let Some(connection) = self.connection.as_mut() else { return Ok(0) };
        let deleted = diesel::sql_query(
            "DELETE FROM commits WHERE ctid = ANY (ARRAY(SELECT c.ctid FROM commits c, commit_readers r \
             WHERE r.name = $1 AND c.at < $2 AND c.xid < pg_snapshot_xmin(r.position::pg_snapshot) \
             ORDER BY c.at LIMIT $3))",
        );
        let bound = deleted.bind::<Text, _>(ADMIN).bind::<BigInt, _>(before).bind::<BigInt, _>(limit);
        Ok(bound.execute(connection)?)
    }

    fn disconnect(&mut self, now: Timestamp) {
        self.connection = None;
        self.is_leader = false;
        self.again_from.get_or_insert(now.minus(READ_AGAIN));
    }

    fn connect(&mut self) -> Result<(), TailError> {
        if self.connection.is_some() {
            return Ok(());
        }
        self.is_leader = false;
        let DbConnection::Postgresql(mut connection) = self.manager.establish()? else { return Ok(()) };
        // A standby hears of commits late, and a connection to it would outlive its promotion.
        if diesel::select(sql::<Bool>("pg_is_in_recovery()")).get_result(&mut connection)? {
            return Err(TailError::Standby);
        }
        let now: String = diesel::select(sql::<Text>(IDENTITY)).get_result(&mut connection)?;
        match self.identity.replace(now.clone()) {
            Some(before) if before != now => return Err(TailError::Replaced { before, now }),
            Some(_) => {}
            None => forget_another_server(&mut connection)?,
        }
        self.connection = Some(connection);
        Ok(())
    }

    fn read(&mut self) -> Result<Vec<Commit>, TailError> {
        let Some(connection) = self.connection.as_mut() else { return Ok(Vec::new()) };
        let Some(snapshot) = &self.snapshot else {
            let now = sql::<Text>("pg_current_snapshot()::text");
            self.snapshot = Some(diesel::select(now).get_result(connection)?);
            return Ok(Vec::new());
        };
        let polled: Vec<Polled> = Poll { snapshot }.load(connection)?;
        let mut rows: Vec<CommitRow> = match self.again_from {
            Some(from) => Since { from }.load(connection)?,
            None => Vec::new(),
        };
        self.has_read_again |= self.again_from.is_some();
        for row in &mut rows {
            row.presence = None;
        }
        let mut seen = None;
        for (snapshot, row) in polled {
            rows.extend(row);
            seen = Some(snapshot);
        }
        let commits = rows.into_iter().map(|row| row.into_commit(self.node)).collect::<Result<_, _>>();
        let commits = commits.map_err(TailError::Unreadable)?;
        self.snapshot = seen.or(self.snapshot.take());
        Ok(commits)
    }
}

/// Rows that a dump brought from another server have transaction numbers of that one, which mean nothing here
/// and may lie ahead for years: they are deleted, and the readers start at now.
fn forget_another_server(connection: &mut PgConnection) -> QueryResult<()> {
    connection.transaction(|connection| {
        diesel::sql_query("DELETE FROM commits WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())")
            .execute(connection)?;
        diesel::sql_query(
            "UPDATE commit_readers SET position = pg_current_snapshot()::text \
             WHERE pg_snapshot_xmax(position::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot())",
        )
        .execute(connection)?;
        Ok(())
    })
}

fn begin_and_fill(
    connection: &mut DbConnection,
    node: NodeId,
    now: Timestamp,
) -> Result<Vec<Envelope>, DbError> {
    connection.execute_batch("BEGIN ISOLATION LEVEL READ COMMITTED")?;
    let events = fill_admin_room(connection, node, now)?;
    connection.execute_batch("COMMIT")?;
    Ok(events)
}

fn fill_admin_room(
    connection: &mut DbConnection,
    node: NodeId,
    now: Timestamp,
) -> Result<Vec<Envelope>, DbError> {
    let DbConnection::Postgresql(c) = connection else { return Ok(Vec::new()) };
    let reader = commit_readers::table.find(ADMIN);
    let read: String = reader.select(commit_readers::position).for_update().get_result(c)?;
    let found: Vec<(String, Option<String>)> = AdminEventsSince { snapshot: &read }.load(c)?;
    let mut position = None;
    let mut new = Vec::new();
    for (snapshot, events) in found {
        position = Some(snapshot);
        let Some(events) = events else { continue };
        match serde_json::from_str::<Vec<AdminEvent>>(&events) {
            Ok(events) => new.extend(events),
            // Waiting for it would keep all others from the room for ever.
            Err(error) => log::error!("admins do not hear of a commit, which cannot be read: {error}"),
        }
    }
    diesel::update(reader).set(commit_readers::position.eq(position.unwrap_or(read))).execute(c)?;
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let times: Vec<Timestamp> = new.iter().map(|event| event.at).collect();
    let new = new.into_iter().map(|AdminEvent { kind, by, data, .. }| NewEvent {
        room: Room::Admin,
        kind,
        by,
        data,
    });
    let mut events = append::take_positions(connection, now, new.collect())?;
    for (event, at) in events.iter_mut().zip(times) {
        event.at = at;
    }
    let announcement = Announcement { node, revocations: &[], admin_events: &[], presence: &[] };
    append::insert(connection, now, &events, Some(&announcement))?;
    Ok(events)
}
