//! The policy of each kind of room.

use crate::db::UnitOfWork;
use crate::domain::policy::Scope;
use crate::domain::{Error, bookings, conversations, entries, projects, sessions, simulations};
use crate::ids::Room;

use super::standalone;

/// Whether the caller may be in the room, by the same policy as REST. An admin's access and a refusal write
/// their audit rows.
///
/// The match is exhaustive on purpose: a new kind of room does not compile before somebody has decided who
/// may be in it.
pub(crate) fn authorize(uow: &mut UnitOfWork<'_>, scope: &Scope, room: &Room) -> Result<(), Error> {
    match room {
        Room::Session(id) => sessions::find(uow, scope, *id).map(drop),
        Room::Booking(id) => bookings::authorize_room(uow, scope, *id).map(drop),
        Room::Project(id) => projects::find(uow, scope, *id).map(drop),
        Room::User(id) => standalone::own(uow, scope, *id),
        Room::Market(category) => standalone::market(uow, scope, category),
        Room::Admin | Room::Metrics | Room::Recorder(_) => standalone::admin(uow, scope, room),
        Room::Conversation(id) => conversations::find(uow, scope, *id).map(drop),
        Room::Entry(id) => entries::find_sealed(uow, scope, *id).map(drop),
        Room::Simulation(id) => simulations::find(uow, scope, *id).map(drop),
        Room::LoadTest(_) => standalone::load_test(uow, scope, room),
    }
}
