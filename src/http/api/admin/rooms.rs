//! `/admin/rooms`: rooms that have members at the moment.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::domain::oversight::{self, Visibility};
use crate::http::{Caller, Id, Problem};
use crate::hub::RoomSnapshot;
use crate::ids::{Room, Seq, UserId};

/// Most members listed per room: a market room may contain all providers.
const NAMED: usize = 1_000;

/// The size of this server's hub.
#[derive(Serialize, ToSchema)]
#[schema(as = Rooms)]
struct RoomsView {
    /// Number of live connections, from their handshake on.
    connections: usize,
    /// Number of users with a connection.
    users: usize,
    /// The rooms with the most members, a hundred at most.
    items: Vec<RoomView>,
}

/// A room with members.
#[derive(Serialize, ToSchema)]
#[schema(as = Room)]
struct RoomView {
    #[schema(value_type = String, example = "market:plumbing")]
    room: Room,
    /// Number of connections in it.
    connections: usize,
    /// Number of users in it.
    users: usize,
    /// Position of the last event sent to its members; null while it is being read.
    head: Option<Seq>,
}

impl From<RoomSnapshot> for RoomView {
    fn from(room: RoomSnapshot) -> Self {
        Self { room: room.room, connections: room.members, users: room.users, head: room.head }
    }
}

/// The members of a room.
#[derive(Serialize, ToSchema)]
#[schema(as = RoomMembers)]
struct MembersView {
    #[schema(value_type = String, example = "market:plumbing")]
    room: Room,
    /// Number of users.
    users: usize,
    /// The users, at most 1,000. Null for private rooms (`entry:`, `conversation:`, `user:`).
    members: Option<Vec<UserId>>,
}

/// The rooms of this server with the most connections.
#[utoipa::path(operation_id = "listRooms", responses((status = 200, body = RoomsView)))]
#[get("/admin/rooms")]
pub(super) async fn list(app: Data<App>, caller: Caller) -> Result<HttpResponse, Problem> {
    let scope = caller.0;
    app.db.read(move |uow| oversight::list_rooms(uow, &scope)).await?;
    let hub = app.hub.snapshot().await?;
    Ok(HttpResponse::Ok().json(RoomsView {
        connections: hub.connections,
        users: hub.users,
        items: hub.rooms.into_iter().map(RoomView::from).collect(),
    }))
}

/// The members of a room on this server.
#[utoipa::path(
    operation_id = "listRoomMembers",
    params(("room" = String, Path, description = "the room", example = "market:plumbing")),
    responses((status = 200, body = MembersView))
)]
#[get("/admin/rooms/{room}/members")]
pub(super) async fn members(
    app: Data<App>,
    caller: Caller,
    Id(room): Id<Room>,
) -> Result<HttpResponse, Problem> {
    let (scope, named) = (caller.0, room.clone());
    let visibility = app.db.read(move |uow| oversight::list_members(uow, &scope, &named)).await?;
    let mut members = app.hub.members(&room).await?;
    let users = members.len();
    members.truncate(NAMED);
    let members = (visibility == Visibility::Members).then_some(members);
    Ok(HttpResponse::Ok().json(MembersView { room, users, members }))
}
