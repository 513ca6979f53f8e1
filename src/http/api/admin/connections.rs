//! `/admin/connections`: lists live connections, and closes one.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::{Error, oversight};
use crate::http::{Caller, Fields, Id, PageQuery, Paged, Problem, Query};
use crate::hub::{LiveSession, SessionFilter};
use crate::ids::{ConnectionId, LoginId, UserId};
use crate::protocol::close::CloseReason;

/// A live connection.
#[derive(Serialize, ToSchema)]
#[schema(as = Connection)]
struct ConnectionView {
    id: ConnectionId,
    user_id: UserId,
    /// The login to which its token belongs.
    login_id: Option<LoginId>,
    /// The outside issuer of its token; null for our own.
    #[schema(value_type = Option<String>)]
    issuer: Option<Arc<str>>,
    /// The endpoint.
    #[schema(example = "socket.io")]
    endpoint: &'static str,
    /// The client's address.
    #[schema(value_type = String, example = "203.0.113.9")]
    address: IpAddr,
    /// When it was opened.
    since: Timestamp,
    /// When something was last received from its client, to the second.
    last_seen_at: Timestamp,
    /// Messages that its client has sent.
    #[schema(minimum = 0)]
    messages: u64,
    /// Number of rooms that it is in.
    rooms: usize,
}

impl ConnectionView {
    fn of(session: LiveSession, now: Timestamp) -> Self {
        Self {
            id: session.connection,
            user_id: session.user,
            login_id: session.login,
            issuer: session.issuer,
            endpoint: session.endpoint.name(),
            address: session.address,
            since: session.since,
            last_seen_at: now.minus(session.silent_for),
            messages: session.messages,
            rooms: session.rooms,
        }
    }
}

/// Whose connections, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only connections of this user.
    #[param(value_type = Option<UserId>)]
    user_id: Option<String>,
    /// Page size: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// The live connections to this server, newest first.
#[utoipa::path(
    operation_id = "listConnections",
    params(ListQuery),
    responses((status = 200, body = Paged<ConnectionView>))
)]
#[get("/admin/sessions")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.parse(&app)?;
    let mut fields = Fields::default();
    let user = fields.take_optional("user_id", query.user_id.map(|text| text.parse::<UserId>()));
    let filter = fields.finish(user.map(|user| user.map_or(SessionFilter::All, SessionFilter::User)))?;
    let scope = caller.0;
    app.db.read(move |uow| oversight::list_connections(uow, &scope)).await?;
    let sessions = app.hub.sessions(filter, page).await?;
    let now = app.clock.now();
    Ok(HttpResponse::Ok().json(Paged::of(sessions.map(|session| ConnectionView::of(session, now)))))
}

/// Close a live connection. Its client is told the reason and may reconnect; to prevent that, suspend the user.
///
/// 404 if there is no such connection, or it is already closing.
#[utoipa::path(
    operation_id = "closeConnection",
    params(("connection_id" = ConnectionId, Path, description = "the connection, the `session_id` of its greeting")),
    responses((status = 204, description = "Closed"))
)]
#[delete("/admin/sessions/{connection_id}")]
pub(super) async fn close(
    app: Data<App>,
    caller: Caller,
    Id(id): Id<ConnectionId>,
) -> Result<HttpResponse, Problem> {
    let scope = caller.0;
    // Audited before the connection is closed, so that there is never an unaudited action.
    app.db.write(move |uow| -> Result<(), Error> { oversight::close_connection(uow, &scope, id) }).await?;
    match app.hub.close(id, CloseReason::ClosedByAdmin).await {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such live connection")),
    }
}
