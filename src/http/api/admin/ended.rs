//! `/admin/sessions/ended`: the connections that ended lately, and why.

use std::collections::HashMap;
use std::net::IpAddr;

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::users::repository as users;
use crate::domain::{Error, Page, oversight};
use crate::http::{Caller, Fields, PageQuery, Paged, Problem, Query};
use crate::hub::{EndedFilter, Numbered};
use crate::ids::{ConnectionId, LoginId, Room, Seq, UserId};
use crate::protocol::close::CloseReason;

/// The reason of a connection that its client ended.
const CLIENT: &str = "client";

/// A connection that has ended.
#[derive(Serialize, ToSchema)]
#[schema(as = EndedConnection)]
struct EndedView {
    id: ConnectionId,
    user_id: UserId,
    /// The user's email address; null for synthetic users of load tests.
    user_email: Option<String>,
    /// The login to which its token belonged.
    login_id: Option<LoginId>,
    /// The endpoint.
    #[schema(example = "socket.io")]
    endpoint: &'static str,
    /// How it encoded its messages.
    #[schema(example = "json")]
    dialect: &'static str,
    /// The client's address.
    #[schema(value_type = String, example = "203.0.113.9")]
    address: IpAddr,
    /// When it was opened.
    since: Timestamp,
    /// When it ended.
    ended_at: Timestamp,
    /// Why: `client` if its client ended it, or the reason that the server closed it for.
    #[schema(example = "slow_consumer")]
    reason: &'static str,
    /// Messages that its client had sent.
    #[schema(minimum = 0)]
    messages: u64,
    /// Bytes that waited for its client, with what storing them takes.
    waiting_bytes: usize,
    /// Number of rooms that it was in.
    rooms: usize,
    /// Some of these rooms, at most 16.
    positions: Vec<PositionView>,
}

/// How far a connection had been sent a room's events.
#[derive(Serialize, ToSchema)]
#[schema(as = RoomPosition)]
struct PositionView {
    /// The room; of journals, conversations and simulations only the kind.
    #[schema(example = "market:plumbing")]
    room: String,
    /// The last position that was put into its queue.
    seq: Seq,
}

impl EndedView {
    fn of((_, session): &Numbered, emails: &HashMap<UserId, String>) -> Self {
        let position =
            |(room, seq): &(Room, Seq)| PositionView { room: oversight::room_name(room), seq: *seq };
        Self {
            id: session.connection,
            user_id: session.user,
            user_email: emails.get(&session.user).cloned(),
            login_id: session.login,
            endpoint: session.endpoint.name(),
            dialect: session.dialect.name(),
            address: session.address,
            since: session.since,
            ended_at: session.ended_at,
            reason: session.reason.map_or(CLIENT, CloseReason::name),
            messages: session.messages,
            waiting_bytes: session.left.waiting,
            rooms: session.left.rooms,
            positions: session.left.positions.iter().map(position).collect(),
        }
    }
}

/// Which connections, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only connections of this user.
    #[param(value_type = Option<UserId>)]
    user_id: Option<String>,
    /// Only this connection.
    #[param(value_type = Option<ConnectionId>)]
    connection_id: Option<String>,
    /// Only connections that ended for this reason.
    #[param(example = "slow_consumer")]
    reason: Option<String>,
    /// Page size: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

impl ListQuery {
    fn parse(self, app: &App) -> Result<(EndedFilter, Page<u64>), Error> {
        let mut fields = Fields::default();
        let user = fields.take_optional("user_id", self.user_id.map(|text| text.parse::<UserId>()));
        let connection = fields
            .take_optional("connection_id", self.connection_id.map(|text| text.parse::<ConnectionId>()));
        let reason = fields.take_optional("reason", self.reason.as_deref().map(reason_named));
        let filter = user.zip(connection).zip(reason);
        let filter = filter.map(|((user, connection), reason)| EndedFilter { user, connection, reason });
        Ok((fields.finish(filter)?, PageQuery { limit: self.limit, cursor: self.cursor }.parse(app)?))
    }
}

fn reason_named(name: &str) -> Result<Option<CloseReason>, &'static str> {
    if name == CLIENT {
        return Ok(None);
    }
    CloseReason::named(name).map(Some).ok_or("must be client, or the name of a close reason")
}

/// The connections of this server that ended within the last hour, at most 10,000; the last one first.
///
/// They are kept in memory: a server that restarts has forgotten them, and each server knows its own.
#[utoipa::path(
    operation_id = "listEndedConnections",
    params(ListQuery),
    responses((status = 200, body = Paged<EndedView>))
)]
#[get("/admin/sessions/ended")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let (filter, page) = query.parse(&app)?;
    let scope = caller.0;
    app.db.read(move |uow| oversight::list_ended(uow, &scope)).await?;
    let ended = app.hub.ended(&filter, &page, app.clock.now());
    let users: Vec<UserId> = ended.items.iter().map(|(_, session)| session.user).collect();
    let emails = app.db.read(move |uow| users::emails_of(uow, users)).await?;
    Ok(HttpResponse::Ok().json(Paged::of(ended.map(|session| EndedView::of(&session, &emails)))))
}
