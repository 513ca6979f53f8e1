//! `/admin/sessions`: lists live connections, and closes one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::users::{Role, repository as users};
use crate::domain::{Error, Page, oversight};
use crate::http::input::ReasonQuery;
use crate::http::{Caller, Fields, Id, PageQuery, Paged, Problem, Query};
use crate::hub::SessionFilter;
use crate::ids::{ConnectionId, LoginId, NodeId, UserId};
use crate::nodes::LiveConnection;
use crate::protocol::close::CloseReason;

/// A live connection.
#[derive(Serialize, ToSchema)]
#[schema(as = Connection)]
struct ConnectionView {
    id: ConnectionId,
    user_id: UserId,
    /// The user's email address; null for synthetic users of load tests.
    user_email: Option<String>,
    /// The user's role; null for synthetic users of load tests.
    user_role: Option<Role>,
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
    /// The server that has it; null where the database has one server alone.
    node_id: Option<NodeId>,
    /// What its notices are written in; null on another server than the one that is asked.
    #[schema(value_type = Option<String>, example = "socket.io")]
    dialect: Option<&'static str>,
    /// Bytes that wait to be written to its client; null on another server than the one that is asked.
    #[schema(minimum = 0)]
    waiting_bytes: Option<usize>,
}

impl ConnectionView {
    fn of(connection: LiveConnection, users: &HashMap<UserId, (String, Role)>) -> Self {
        let user = users.get(&connection.user);
        Self {
            id: connection.id,
            user_id: connection.user,
            user_email: user.map(|(email, _)| email.clone()),
            user_role: user.map(|(_, role)| *role),
            login_id: connection.login,
            issuer: connection.issuer,
            endpoint: connection.endpoint,
            address: connection.address,
            since: connection.since,
            last_seen_at: connection.last_seen_at,
            messages: connection.messages,
            rooms: connection.rooms,
            node_id: connection.node,
            dialect: connection.here.map(|here| here.dialect.name()),
            waiting_bytes: connection.here.map(|here| here.waiting),
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
    /// Only connections from this address; not together with `user_id`.
    #[param(value_type = Option<String>, example = "203.0.113.9")]
    address: Option<String>,
    /// Only connections of this server; none where the database has one server alone.
    #[param(value_type = Option<NodeId>)]
    node_id: Option<String>,
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
    let address = fields.take_optional("address", query.address.map(|text| text.parse::<IpAddr>()));
    let filter = match user.zip(address) {
        Some((Some(_), Some(_))) => {
            fields.refuse("address", "must not be given with user_id");
            None
        }
        Some((Some(user), None)) => Some(SessionFilter::User(user)),
        Some((None, Some(address))) => Some(SessionFilter::Address(address.to_canonical())),
        Some((None, None)) => Some(SessionFilter::All),
        None => None,
    };
    let on = fields.take_optional("node_id", query.node_id.map(|text| text.parse::<NodeId>()));
    let (filter, on) = fields.finish(filter.zip(on))?;
    let scope = caller.0;
    app.db.read(move |uow| oversight::list_connections(uow, &scope)).await?;
    let connections = app.nodes.list(&app.hub, filter, on, page, app.clock.now()).await?;
    let users: Vec<UserId> = connections.items.iter().map(|connection| connection.user).collect();
    let users = app.db.read(move |uow| users::emails_and_roles_of(uow, users)).await?;
    let named = |connection| ConnectionView::of(connection, &users);
    Ok(HttpResponse::Ok().json(Paged::of(connections.map(named))))
}

/// A live connection.
///
/// 404 if there is no such connection: it may have ended, see `GET /admin/sessions/ended`.
#[utoipa::path(
    operation_id = "getConnection",
    params(("connection_id" = ConnectionId, Path, description = "the connection, the `session_id` of its greeting")),
    responses((status = 200, body = ConnectionView))
)]
#[get("/admin/sessions/{connection_id}")]
pub(super) async fn get_one(
    app: Data<App>,
    caller: Caller,
    Id(id): Id<ConnectionId>,
) -> Result<HttpResponse, Problem> {
    let scope = caller.0;
    app.db.read(move |uow| oversight::see_connection(uow, &scope, id)).await?;
    let page = Page { before: None, limit: 1 };
    let found = app.nodes.list(&app.hub, SessionFilter::Connection(id), None, page, app.clock.now()).await?;
    let connection = found.items.into_iter().next().ok_or_else(not_live)?;
    let user = connection.user;
    let users = app.db.read(move |uow| users::emails_and_roles_of(uow, vec![user])).await?;
    Ok(HttpResponse::Ok().json(ConnectionView::of(connection, &users)))
}

fn not_live() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such live connection")
}

/// Close a live connection. Its client is told the reason and may reconnect; to prevent that, suspend the user.
///
/// 404 if there is no such connection, or it is already closing.
#[utoipa::path(
    operation_id = "closeConnection",
    params(
        ("connection_id" = ConnectionId, Path, description = "the connection, the `session_id` of its greeting"),
        ReasonQuery,
    ),
    responses((status = 204, description = "Closed"))
)]
#[delete("/admin/sessions/{connection_id}")]
pub(super) async fn close(
    app: Data<App>,
    caller: Caller,
    Id(id): Id<ConnectionId>,
    Query(query): Query<ReasonQuery>,
) -> Result<HttpResponse, Problem> {
    let reason = query.parse()?;
    let (scope, nodes) = (caller.0, app.nodes.clone());
    // Audited before the connection is closed, so that there is never an unaudited action.
    let closes_elsewhere = app
        .db
        .write(move |uow| -> Result<bool, Error> {
            oversight::close_connection(uow, &scope, id, reason.as_ref())?;
            Ok(nodes.close_elsewhere(uow, id)?)
        })
        .await?;
    match closes_elsewhere || app.hub.close(id, CloseReason::ClosedByAdmin).await {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(not_live()),
    }
}
