//! The routes of live connections, mounted at the root and under `/api/v1`. They read the [`Gateway`] from
//! the application's data.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};

use crate::domain::Error;
use crate::domain::policy::Scope;
use crate::http::{Problem, client_address};
use crate::hub::ClientId;
use crate::ids::{CallId, ConnectionId};
use crate::protocol::Dialect;
use crate::protocol::close::{CloseReason, Endpoint};

use super::admission::{self, Admitted, HandshakeCredentials, Rejection};
use super::engineio::RequestOutcome;
use super::handlers::Refusal;
use super::session::{SessionActor, SessionParts, Unauthenticated};
use super::socketio::{self, ClientLimits, SessionConnector};
use super::target::EndpointTarget;
use super::websocket::handshake::{Handshake, WebSocket, named_client};
use super::{Gateway, rooms};

/// Registers all of them.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.route("/ws", web::get().to(connect));
    config.route("/ws/reflections/{entry_id}", web::get().to(reflections));
    config.route("/ws/kanban/projects/{project_id}", web::get().to(board));
    config.route("/ws/simulate", web::get().to(simulate));
    // All methods: for the wrong ones Engine.IO defines its own errors.
    for path in ["/socket.io/", "/socket.io"] {
        config.route(path, web::route().to(socket_io));
    }
}

type Here = web::Data<Gateway>;

/// `/ws`: any room.
async fn connect(request: HttpRequest, payload: Payload, gateway: Here) -> HttpResponse {
    open(&request, payload, &gateway, Endpoint::Ws, |_| Ok(EndpointTarget::Any)).await
}

/// `/ws/reflections/{entry_id}`: for the entry's owner.
async fn reflections(
    request: HttpRequest,
    payload: Payload,
    gateway: Here,
    entry: web::Path<String>,
) -> HttpResponse {
    let target = |_| Ok(EndpointTarget::Reflections(entry.parse().map_err(|_| CloseReason::NotFound)?));
    open(&request, payload, &gateway, Endpoint::Reflections, target).await
}

/// `/ws/kanban/projects/{project_id}`: for the project's members.
async fn board(
    request: HttpRequest,
    payload: Payload,
    gateway: Here,
    project: web::Path<String>,
) -> HttpResponse {
    let client = match named_client(request.uri()).map(|name| ClientId::parse(&name)) {
        Some(None) => return bad_client_id(),
        Some(named) => named,
        None => None,
    };
    let target = |connection| {
        let project = project.parse().map_err(|_| CloseReason::NotFound)?;
        Ok(EndpointTarget::Board(project, client.unwrap_or_else(|| ClientId::of(connection))))
    };
    open(&request, payload, &gateway, Endpoint::Kanban, target).await
}

/// `/ws/simulate`: for the caller's own simulations.
async fn simulate(request: HttpRequest, payload: Payload, gateway: Here) -> HttpResponse {
    open(&request, payload, &gateway, Endpoint::Simulate, |_| Ok(EndpointTarget::Simulations)).await
}

/// Admits or refuses a plain WebSocket: token, user, origin, limits, and on endpoints of one room the
/// standing there. The standing is checked last, so that an unauthenticated client does not learn what
/// exists.
async fn open(
    request: &HttpRequest,
    payload: Payload,
    gateway: &Gateway,
    endpoint: Endpoint,
    target: impl FnOnce(ConnectionId) -> Result<EndpointTarget, CloseReason>,
) -> HttpResponse {
    let handshake = match Handshake::read(request, payload, endpoint, gateway.connection_limits()) {
        Ok(handshake) => handshake,
        Err(answer) => return answer,
    };
    let address = client_address(request, &gateway.app().config.server);
    let Some(pending) = gateway.addresses().acquire(address) else {
        gateway.metrics().throttled();
        return too_many_pending();
    };
    let call = call_of(request, gateway);
    let refused = |reason: CloseReason| {
        gateway.metrics().refused(reason);
        log::info!(
            target: "souk::realtime", request_id:% = call, address:%;
            "a WebSocket was refused: {}", reason.name()
        );
        reason
    };
    let unauthenticated = Unauthenticated::new(ConnectionId::new(gateway.app().clock.now()));
    let connection = unauthenticated.connection();
    let Admitted { scope, proof, user_permit, address_permit, node_permit } = match admission::admit(
        gateway,
        HandshakeCredentials::of(request, connection, endpoint, call),
        pending,
    )
    .await
    {
        Ok(admitted) => admitted,
        Err((Rejection::Closed(reason), pending)) => return handshake.refuse(refused(reason), pending),
        Err((Rejection::Limited { retry_after }, _)) => {
            gateway.metrics().throttled();
            return too_many_requests(retry_after);
        }
    };
    let target = match target(unauthenticated.connection()) {
        Ok(target) => has_standing(gateway, &scope, &target).await.map(|()| target),
        Err(reason) => Err(reason),
    };
    let target = match target {
        Ok(target) => target,
        Err(reason) => return handshake.refuse(refused(reason), (user_permit, address_permit, node_permit)),
    };
    let (response, WebSocket { reader, outbox, handle }) = handshake.accept();
    let limits = gateway.session_limits(scope.plan());
    let session = unauthenticated.authenticated(scope, limits);
    let parts = SessionParts {
        gateway: gateway.clone(),
        session,
        proof,
        endpoint,
        target,
        dialect: Dialect::Json,
        outbox,
        handle,
        user_permit,
        address_permit,
        node_permit,
    };
    SessionActor::open(parts, reader);
    response
}

/// Whether the caller may be in the endpoint's room.
async fn has_standing(gateway: &Gateway, scope: &Scope, target: &EndpointTarget) -> Result<(), CloseReason> {
    let Some(room) = target.room() else { return Ok(()) };
    let scope = scope.clone();
    let looked = gateway.app().db.read(move |uow| rooms::authorize(uow, &scope, &room)).await;
    looked.map_err(|error| Refusal::from(error).close_reason())
}

/// `/socket.io/`: a request of an existing connection, or one that opens a connection.
async fn socket_io(request: HttpRequest, payload: Payload, gateway: Here) -> HttpResponse {
    let gateway = gateway.get_ref();
    let handshake = match gateway.engine().receive(&request, payload).await {
        RequestOutcome::Answered(answer) => return answer,
        RequestOutcome::OpenRequest(handshake) => handshake,
    };
    let address = client_address(&request, &gateway.app().config.server);
    let Some(pending) = gateway.addresses().acquire(address) else {
        gateway.metrics().throttled();
        return too_many_pending();
    };
    let connector =
        SessionConnector::new(gateway.clone(), address, call_of(&request, gateway), pending, &request);
    let (response, connection) = handshake.accept();
    actix_web::rt::spawn(socketio::serve(connection, connector, ClientLimits::new(&gateway.app().config)));
    response
}

fn call_of(request: &HttpRequest, gateway: &Gateway) -> CallId {
    let named = request.extensions().get::<CallId>().copied();
    named.unwrap_or_else(|| CallId::new(gateway.app().clock.now()))
}

fn too_many_pending() -> HttpResponse {
    let detail = "too many connections from this address that have not authenticated; try again in a moment";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_connections", detail)
        .retry_after(Duration::from_secs(1))
        .error_response()
}

/// The HTTP edge charges this answer, too, and writes the `RateLimit-*` headers.
fn too_many_requests(retry_after: Duration) -> HttpResponse {
    Problem::from(Error::Limited { detail: "too many requests", retry_after }).error_response()
}

fn bad_client_id() -> HttpResponse {
    let detail = "client_id must be 1 to 128 bytes of plain text";
    Problem::new(StatusCode::BAD_REQUEST, "bad_handshake", detail).error_response()
}
