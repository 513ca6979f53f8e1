//! Admins' access to live state that has no row and no owner: connections, rooms and their members. Only the
//! authorization; the data come from the hub.

use crate::db::UnitOfWork;
use crate::ids::{ConnectionId, Room};

use super::policy::{Need, Right, Scope, authorize_admin, authorize_admin_because};
use super::users::Reason;
use super::{Error, Kind};

const LIST_CONNECTIONS: Right = Right::look(Kind::Connection, "list", Need::Admin);
const CLOSE_CONNECTION: Right = Right::change(Kind::Connection, "close", Need::Admin);
const LIST_ROOMS: Right = Right::look(Kind::Room, "list", Need::Admin);
const READ_SETTINGS: Right = Right::look(Kind::Setting, "read", Need::Admin);
const LIST_MEMBERS: Right = Right::look(Kind::Room, "list the members of", Need::Admin);

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

/// Authorizes reading what the server runs with.
pub(crate) fn read_settings(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    authorize_admin(uow, scope, READ_SETTINGS, None)
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
    Ok(match room {
        Room::Entry(_) | Room::Conversation(_) | Room::User(_) => Visibility::CountAlone,
        Room::Session(_)
        | Room::Market(_)
        | Room::Booking(_)
        | Room::Project(_)
        | Room::Simulation(_)
        | Room::LoadTest(_)
        | Room::Metrics
        | Room::Admin => Visibility::Members,
    })
}

/// What an admin may see of a room's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// The members themselves.
    Members,
    /// Only their number.
    CountAlone,
}
