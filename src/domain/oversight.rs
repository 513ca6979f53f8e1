//! Admins' access to live state that has no row and no owner: connections, rooms and their members. Only the
//! authorization; the data come from the hub.

use crate::db::{Migration, UnitOfWork, event_log, migrations};
use crate::events::Envelope;
use crate::ids::{ConnectionId, Room, Seq};

use super::policy::{
    Need, Resource, Right, Scope, Standing, authorize, authorize_admin, authorize_admin_because,
};
use super::users::Reason;
use super::{Error, Kind};

const LIST_CONNECTIONS: Right = Right::look(Kind::Connection, "list", Need::Admin);
const CLOSE_CONNECTION: Right = Right::change(Kind::Connection, "close", Need::Admin);
const SEE_CONNECTION: Right = Right::look(Kind::Connection, "see", Need::Admin);
const LIST_ENDED: Right = Right::look(Kind::Connection, "list ended", Need::Admin);
const LIST_ROOMS: Right = Right::look(Kind::Room, "list", Need::Admin);
const READ_SETTINGS: Right = Right::look(Kind::Setting, "read", Need::Admin);
const READ_HEALTH: Right = Right::look(Kind::Setting, "read the health of", Need::Admin);
const READ_LOG: Right = Right::look(Kind::Room, "read the log of", Need::Admin);
const READ_TEXTS: Right = Right::look(Kind::Room, "read the texts of", Need::Admin);
const READ_PRIVATE_LOG: Right = Right::look(Kind::Room, "read the log of", Need::Owner);
const LIST_MEMBERS: Right = Right::look(Kind::Room, "list the members of", Need::Admin);
const LIST_PRESENCE: Right = Right::look(Kind::Room, "list the past members of", Need::Admin);

/// Authorizes listing all live connections.
pub(crate) fn list_connections(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    authorize_admin(uow, scope, LIST_CONNECTIONS, None)
}

/// Authorizes closing a user's live connection; the reason goes to the audit trail.
pub(crate) fn close_connection(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ConnectionId,
    reason: Option<&Reason>,
) -> Result<(), Error> {
    authorize_admin_because(uow, scope, CLOSE_CONNECTION, Some(id.to_string()), reason.map(Reason::as_str))
}

/// Authorizes seeing one live connection.
pub(crate) fn see_connection(uow: &mut UnitOfWork<'_>, scope: &Scope, id: ConnectionId) -> Result<(), Error> {
    authorize_admin(uow, scope, SEE_CONNECTION, Some(id.to_string()))
}

/// Authorizes listing the connections that ended lately.
pub(crate) fn list_ended(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    authorize_admin(uow, scope, LIST_ENDED, None)
}

/// Authorizes reading what the server runs with; its schema's migrations are a part of that.
pub(crate) fn read_settings(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<Vec<Migration>, Error> {
    authorize_admin(uow, scope, READ_SETTINGS, None)?;
    Ok(migrations(uow.conn())?)
}

/// Whether this caller may read how the server is. That is not audited: it shows nobody's data, is asked for every few
/// seconds, and must be told while no row can be written.
pub(crate) fn may_read_health(scope: &Scope) -> bool {
    scope.is_admin()
}

/// Refuses a caller who may not read how the server is, and audits that.
pub(crate) fn refuse_health(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    authorize_admin(uow, scope, READ_HEALTH, None)
}

/// Authorizes listing the rooms with members.
pub(crate) fn list_rooms(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    authorize_admin(uow, scope, LIST_ROOMS, None)
}

/// Authorizes listing the members of a room. For a private room even admins get the number only: that a user
/// is reading a journal entry right now is nobody else's business.
pub(crate) fn list_members(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    room: &Room,
) -> Result<Visibility, Error> {
    authorize_admin(uow, scope, LIST_MEMBERS, Some(room.to_string()))?;
    Ok(visibility(room))
}

/// Authorizes listing who was in a room; as with its members, of a private room only the number.
pub(crate) fn list_presence(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    room: &Room,
) -> Result<Visibility, Error> {
    authorize_admin(uow, scope, LIST_PRESENCE, Some(room.to_string()))?;
    Ok(visibility(room))
}

fn visibility(room: &Room) -> Visibility {
    match room {
        Room::Entry(_) | Room::Conversation(_) | Room::Simulation(_) | Room::User(_) => {
            Visibility::CountAlone
        }
        Room::Session(_)
        | Room::Market(_)
        | Room::Booking(_)
        | Room::Project(_)
        | Room::LoadTest(_)
        | Room::Metrics
        | Room::Recorder(_)
        | Room::Admin => Visibility::Members,
    }
}

/// A part of a room's log.
#[derive(Debug)]
pub(crate) struct RoomLog {
    /// Position up to which events were deleted.
    pub(crate) tail: Seq,
    /// Position of the newest event.
    pub(crate) head: Seq,
    /// Oldest first.
    pub(crate) events: Vec<Envelope>,
}

/// Reads a room's events after a position, oldest first, or the newest ones; with a reason, which goes to the audit
/// trail, what people wrote to each other may be shown, too. What only its owner may be in is read by no admin.
pub(crate) fn read_log(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    room: &Room,
    after: Option<Seq>,
    limit: u16,
    reason: Option<&Reason>,
) -> Result<RoomLog, Error> {
    if visibility(room) == Visibility::CountAlone {
        authorize(uow, scope, PrivateLog(room), READ_PRIVATE_LOG)?;
    }
    let right = if reason.is_some() { READ_TEXTS } else { READ_LOG };
    authorize_admin_because(uow, scope, right, Some(room.to_string()), reason.map(Reason::as_str))?;
    let (tail, head) = event_log::span(uow.conn(), room)?;
    let newest = Seq(head.0.saturating_sub(u64::from(limit)));
    let events = event_log::after(uow.conn(), room, after.unwrap_or(newest), usize::from(limit))?;
    Ok(RoomLog { tail, head, events })
}

/// The log of a room that only its owner may be in.
struct PrivateLog<'a>(&'a Room);

impl Resource for PrivateLog<'_> {
    const KIND: Kind = Kind::Room;
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        room_name(self.0)
    }

    fn standing(&self, _: &Scope) -> Standing {
        Standing::Stranger
    }
}

/// Whether the room's name is shown to admins, and not its kind alone.
pub(crate) fn is_named(room: &Room) -> bool {
    !matches!(room, Room::Entry(_) | Room::Conversation(_) | Room::Simulation(_))
}

/// What an admin is shown of a room that somebody is or was in: its name, and of what only its owner may be in no more
/// than the kind.
pub(crate) fn room_name(room: &Room) -> String {
    if is_named(room) { room.to_string() } else { room.kind().to_owned() }
}

/// What an admin may see of a room's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// The members themselves.
    Members,
    /// Only their number.
    CountAlone,
}
