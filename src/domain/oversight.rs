//! What admins look after that belongs to nobody, and of which there is no row: who is connected, and who hears what.

use crate::db::UnitOfWork;
use crate::ids::{ConnectionId, Room};

use super::policy::{Need, Right, Scope, authorize_admin};
use super::{Error, Kind};

const LIST_CONNECTIONS: Right = Right::look(Kind::Connection, "list", Need::Admin);
const CLOSE_CONNECTION: Right = Right::change(Kind::Connection, "close", Need::Admin);
const LIST_ROOMS: Right = Right::look(Kind::Room, "list", Need::Admin);
const LIST_MEMBERS: Right = Right::look(Kind::Room, "list the members of", Need::Admin);

/// Who may see all live connections.
pub fn list_connections(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    authorize_admin(uow, scope, LIST_CONNECTIONS, None)
}

/// Who may close somebody's live connection.
pub fn close_connection(uow: &mut UnitOfWork<'_>, scope: &Scope, id: ConnectionId) -> Result<(), Error> {
    authorize_admin(uow, scope, CLOSE_CONNECTION, Some(id.to_string()))
}

/// Who may see which rooms are heard.
pub fn list_rooms(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    authorize_admin(uow, scope, LIST_ROOMS, None)
}

/// Who may see who is in a room. Of a private one not even admins are told more than how many: that somebody reads a
/// journal entry at this moment is their own affair.
pub fn list_members(uow: &mut UnitOfWork<'_>, scope: &Scope, room: &Room) -> Result<Visibility, Error> {
    authorize_admin(uow, scope, LIST_MEMBERS, Some(room.to_string()))?;
    Ok(match room {
        Room::Entry(_) | Room::Conversation(_) | Room::User(_) => Visibility::CountAlone,
        Room::Session(_)
        | Room::Market(_)
        | Room::Booking(_)
        | Room::Project(_)
        | Room::Simulation(_)
        | Room::LoadTest(_)
        | Room::Admin => Visibility::Members,
    })
}

/// What an admin is told of who is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Who they are.
    Members,
    /// How many they are.
    CountAlone,
}
