//! `/admin/rooms`: rooms that have members at the moment.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::domain::oversight::{self, Visibility};
use crate::domain::{Error, Page};
use crate::http::{Caller, Id, PageQuery, Paged, Problem, Query};
use crate::hub::{RoomList, RoomOrder, RoomPlace, RoomQuery, RoomSnapshot};
use crate::ids::{Room, Seq, UserId};

/// Most members listed per room: a market room may contain all providers.
const NAMED: usize = 1_000;

/// The rooms of this server that have members.
#[derive(Serialize, ToSchema)]
#[schema(as = Rooms)]
struct RoomsView {
    /// Number of live connections, from their handshake on.
    connections: usize,
    /// Number of users with a connection.
    users: usize,
    /// The rooms; journals, conversations and simulations are not among them.
    items: Vec<RoomView>,
    /// Give it as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
    /// Rooms of journals, conversations and simulations, of which only the number is told.
    private: Vec<PrivateView>,
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
    /// Events that were sent to its members within the last minute, to ten seconds.
    #[schema(minimum = 0)]
    events_last_minute: u64,
}

/// Rooms of a kind of which only the number is told.
#[derive(Serialize, ToSchema)]
#[schema(as = PrivateRooms)]
struct PrivateView {
    /// The kind.
    #[schema(example = "entry")]
    kind: &'static str,
    /// Number of rooms with members.
    rooms: usize,
    /// Number of connections in them.
    connections: usize,
}

impl From<RoomSnapshot> for RoomView {
    fn from(room: RoomSnapshot) -> Self {
        Self {
            room: room.room,
            connections: room.members,
            users: room.users,
            head: room.head,
            events_last_minute: room.events,
        }
    }
}

/// Which rooms come first, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// `largest` (the most connections, the default) or `busiest` (the most events within the last minute).
    #[param(example = "busiest")]
    order: Option<String>,
    /// Page size: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

impl ListQuery {
    fn parse(self, app: &App) -> Result<(RoomOrder, Page<RoomPlace>), Error> {
        let order = match self.order.as_deref() {
            None | Some("largest") => RoomOrder::Largest,
            Some("busiest") => RoomOrder::Busiest,
            Some(_) => return Err(Error::invalid("order", "must be largest or busiest")),
        };
        Ok((order, PageQuery { limit: self.limit, cursor: self.cursor }.parse(app)?))
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
    /// The users, at most 1,000. Null for private rooms (`entry:`, `conversation:`, `simulation:`, `user:`).
    members: Option<Vec<UserId>>,
}

/// The rooms of this server that have members, the largest or the busiest first.
#[utoipa::path(operation_id = "listRooms", params(ListQuery), responses((status = 200, body = RoomsView)))]
#[get("/admin/rooms")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let (order, page) = query.parse(&app)?;
    let scope = caller.0;
    app.db.read(move |uow| oversight::list_rooms(uow, &scope)).await?;
    let hub = app.hub.snapshot().await?;
    let at_most = usize::from(page.limit) + 1;
    let query = RoomQuery { order, after: page.before.clone(), at_most, is_listed: oversight::is_named };
    let RoomList { rooms, unlisted } = app.hub.rooms(query).await?;
    let Paged { items, next_cursor } =
        Paged::of(page.slice(rooms, |room| order.place(room)).map(RoomView::from));
    let private = unlisted.into_iter();
    let private = private.map(|(kind, of_kind)| PrivateView {
        kind,
        rooms: of_kind.rooms,
        connections: of_kind.members,
    });
    Ok(HttpResponse::Ok().json(RoomsView {
        connections: hub.connections,
        users: hub.users,
        items,
        next_cursor,
        private: private.collect(),
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
