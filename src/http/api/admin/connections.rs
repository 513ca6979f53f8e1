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
use crate::hub::SessionFilter;
use crate::ids::{ConnectionId, LoginId, UserId};
use crate::nodes::LiveConnection;
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
    #[schema(value_type = String, example = "socket.io")]
    endpoint: Arc<str>,
    /// The client's address.
    #[schema(value_type = String, example = "203.0.113.9")]
    address: IpAddr,
    /// When it was opened.
    since: Timestamp,
    /// When something was last received from its client: to the second, or to some ten seconds on another server.
    last_seen_at: Timestamp,
    /// Messages that its client has sent.
    #[schema(minimum = 0)]
    messages: u64,
    /// Number of rooms that it is in.
    rooms: usize,
}

impl ConnectionView {
    fn of(connection: LiveConnection) -> Self {
        Self {
            id: connection.id,
            user_id: connection.user,
            login_id: connection.login,
            issuer: connection.issuer,
            endpoint: connection.endpoint,
            address: connection.address,
            since: connection.since,
            last_seen_at: connection.last_seen_at,
            messages: connection.messages,
            rooms: connection.rooms,
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

/// The live connections, newest first: those of all servers on the database.
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
    let connections = app.nodes.list(&app.hub, filter, page, app.clock.now()).await?;
    Ok(HttpResponse::Ok().json(Paged::of(connections.map(ConnectionView::of))))
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
    let (scope, nodes) = (caller.0, app.nodes.clone());
    // Audited before the connection is closed, so that there is never an unaudited action.
    let closes_elsewhere = app
        .db
        .write(move |uow| -> Result<bool, Error> {
            oversight::close_connection(uow, &scope, id)?;
            Ok(nodes.close_elsewhere(uow, id)?)
        })
        .await?;
    match closes_elsewhere || app.hub.close(id, CloseReason::ClosedByAdmin).await {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such live connection")),
    }
}
