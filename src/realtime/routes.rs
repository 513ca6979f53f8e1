//! The addresses of live connections. They read the [`Gateway`] from the application's data, and are mounted at the
//! root and under `/api/v1`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};

use super::Gateway;
use super::admission::{self, Admitted, Applicant};
use super::boards::ClientId;
use super::close::{CloseReason, Endpoint};
use super::handlers::Refusal;
use super::protocol::Dialect;
use super::purpose::Purpose;
use super::rooms;
use super::session::{Opening, SessionActor, Unauthenticated};
use super::socketio::{self, Lobby};
use super::transport::engineio::Received;
use super::transport::handshake::{Connection, Handshake, named_client};
use crate::domain::policy::Scope;
use crate::http::{Problem, client_address};
use crate::ids::{CallId, ConnectionId};

/// All of them.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/ws", web::get().to(connect));
    config.route("/ws/reflections/{entry_id}", web::get().to(reflections));
    config.route("/ws/kanban/projects/{project_id}", web::get().to(board));
    config.route("/ws/simulate", web::get().to(simulate));
    // All methods: what is wrong with the others is said in Engine.IO's own words.
    for path in ["/socket.io/", "/socket.io"] {
        config.route(path, web::route().to(engage));
    }
}

type Here = web::Data<Gateway>;

/// `/ws`
async fn connect(request: HttpRequest, payload: Payload, gateway: Here) -> HttpResponse {
    open(&request, payload, &gateway, Endpoint::Ws, |_| Ok(Purpose::Anything)).await
}

/// `/ws/reflections/{entry_id}`: its owner's.
async fn reflections(
    request: HttpRequest,
    payload: Payload,
    gateway: Here,
    entry: web::Path<String>,
) -> HttpResponse {
    let purpose = |_| Ok(Purpose::Reflections(entry.parse().map_err(|_| CloseReason::NotFound)?));
    open(&request, payload, &gateway, Endpoint::Reflections, purpose).await
}

/// `/ws/kanban/projects/{project_id}`: its members'.
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
    let purpose = |connection| {
        let project = project.parse().map_err(|_| CloseReason::NotFound)?;
        Ok(Purpose::Board(project, client.unwrap_or_else(|| ClientId::of(connection))))
    };
    open(&request, payload, &gateway, Endpoint::Kanban, purpose).await
}

/// `/ws/simulate`: the simulations of whoever connects.
async fn simulate(request: HttpRequest, payload: Payload, gateway: Here) -> HttpResponse {
    open(&request, payload, &gateway, Endpoint::Simulate, |_| Ok(Purpose::Simulations)).await
}

/// Decides about a plain WebSocket: token, user, origin, limits, and for the endpoints of one room the standing there.
/// What the address is for is looked at last, since a stranger is told nothing about what there is.
async fn open(
    request: &HttpRequest,
    payload: Payload,
    gateway: &Gateway,
    endpoint: Endpoint,
    purpose: impl FnOnce(ConnectionId) -> Result<Purpose, CloseReason>,
) -> HttpResponse {
    let handshake = match Handshake::read(request, payload, endpoint, gateway.link_limits()) {
        Ok(handshake) => handshake,
        Err(answer) => return answer,
    };
    let address = client_address(request, &gateway.app().config.server);
    let Some(stranger) = gateway.addresses().let_in(address) else {
        gateway.metrics().throttled();
        return too_many_strangers();
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
    let newcomer = Unauthenticated::new(ConnectionId::new(gateway.app().clock.now()));
    let Admitted { scope, proof, seat, place } =
        match admission::admit(gateway, Applicant::of(request, call), stranger).await {
            Ok(admitted) => admitted,
            Err((reason, stranger)) => return handshake.refuse(refused(reason), stranger),
        };
    let purpose = match purpose(newcomer.connection()) {
        Ok(purpose) => has_standing(gateway, &scope, &purpose).await.map(|()| purpose),
        Err(reason) => Err(reason),
    };
    let purpose = match purpose {
        Ok(purpose) => purpose,
        Err(reason) => return handshake.refuse(refused(reason), (seat, place)),
    };
    let (response, Connection { reader, outbox, wire }) = handshake.accept();
    let limits = gateway.session_limits(scope.plan());
    let session = newcomer.authenticated(scope, limits);
    let opening = Opening {
        gateway: gateway.clone(),
        session,
        proof,
        endpoint,
        purpose,
        dialect: Dialect::Json,
        outbox,
        wire,
        seat,
        place,
    };
    SessionActor::open(opening, reader);
    response
}

/// Whether the caller may be where the endpoint leads.
async fn has_standing(gateway: &Gateway, scope: &Scope, purpose: &Purpose) -> Result<(), CloseReason> {
    let Some(room) = purpose.room() else { return Ok(()) };
    let scope = scope.clone();
    let looked = gateway.app().db.read(move |uow| rooms::may_hear(uow, &scope, &room)).await;
    looked.map_err(|error| Refusal::from(error).closes_for())
}

/// `/socket.io/`: a request of a connection, or one that opens a connection.
async fn engage(request: HttpRequest, payload: Payload, gateway: Here) -> HttpResponse {
    let gateway = gateway.get_ref();
    let opening = match gateway.engine().receive(&request, payload).await {
        Received::Answered(answer) => return answer,
        Received::Opening(opening) => opening,
    };
    let address = client_address(&request, &gateway.app().config.server);
    let Some(stranger) = gateway.addresses().let_in(address) else {
        gateway.metrics().throttled();
        return too_many_strangers();
    };
    let lobby = Lobby::new(gateway.clone(), address, call_of(&request, gateway), stranger, &request);
    let (response, connection) = opening.accept();
    actix_web::rt::spawn(socketio::serve(connection, lobby, gateway.hall_limits()));
    response
}

fn call_of(request: &HttpRequest, gateway: &Gateway) -> CallId {
    let named = request.extensions().get::<CallId>().copied();
    named.unwrap_or_else(|| CallId::new(gateway.app().clock.now()))
}

fn too_many_strangers() -> HttpResponse {
    let detail = "too many connections from this address that have not authenticated; try again in a moment";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_connections", detail)
        .retry_after(Duration::from_secs(1))
        .error_response()
}

fn bad_client_id() -> HttpResponse {
    let detail = "client_id must be 1 to 128 bytes of plain text";
    Problem::new(StatusCode::BAD_REQUEST, "bad_handshake", detail).error_response()
}
