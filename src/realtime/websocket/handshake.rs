//! From an HTTP request to a WebSocket, or to a refusal that a browser can read.
//!
//! Browsers hide from scripts why a handshake failed in HTTP. So a handshake that is refused because of who
//! sent it is upgraded all the same and closed at once with the endpoint's code, without starting a session
//! or registering anything.

use std::rc::Rc;

use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{StatusCode, Uri, Version};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError as _};
use actix_web_actors::ws;
use base64::Engine as _;
use futures_util::FutureExt as _;

use crate::http::Problem;
use crate::http::connection::TcpHandle;
use crate::hub::Outbox;
use crate::protocol::close::{CloseReason, Endpoint};
use crate::realtime::connection::ConnectionHandle;
use crate::secret::Secret;

use super::Reader;
use super::body::Body;
use super::connection::{Connection, ConnectionLimits};

/// The subprotocol after which the next one offered is a token. Browsers cannot set headers in a handshake,
/// except for subprotocols.
const BEARER: &str = "bearer";

/// An open WebSocket, as a session gets it.
pub struct WebSocket {
    /// The client's messages.
    pub reader: Reader,
    /// The queue of frames to the client.
    pub outbox: Outbox,
    /// Closes the connection.
    pub handle: Rc<dyn ConnectionHandle>,
}

/// A request that can be upgraded to a WebSocket.
pub struct Handshake {
    response: HttpResponseBuilder,
    payload: Payload,
    socket: Option<TcpHandle>,
    endpoint: Endpoint,
    limits: ConnectionLimits,
}

impl Handshake {
    /// Checks that this is a WebSocket handshake (RFC 6455, section 4.2.1); the error is the HTTP response to
    /// send if it is not.
    pub fn read(
        request: &HttpRequest,
        payload: Payload,
        endpoint: Endpoint,
        limits: ConnectionLimits,
    ) -> Result<Self, HttpResponse> {
        // RFC 9110, section 7.8: an upgrade in an HTTP/1.0 request must be ignored.
        if request.version() < Version::HTTP_11 {
            return Err(upgrade_required("a WebSocket handshake needs HTTP/1.1"));
        }
        let response = ws::handshake_with_protocols(request, &[BEARER]).map_err(|error| match error {
            ws::HandshakeError::GetMethodRequired => problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "a WebSocket handshake is a GET request",
            ),
            ws::HandshakeError::NoWebsocketUpgrade | ws::HandshakeError::NoConnectionUpgrade => {
                upgrade_required("this address speaks WebSocket; ask for an upgrade to it")
            }
            ws::HandshakeError::NoVersionHeader | ws::HandshakeError::UnsupportedVersion => other_version(),
            ws::HandshakeError::BadWebsocketKey => bad_key(),
        })?;
        // The web server's check also accepts draft versions, and any key.
        if request.headers().get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(other_version());
        }
        if !has_key(request.headers()) {
            return Err(bad_key());
        }
        // What follows a handshake belongs to the WebSocket, so it must not have a body.
        if has_body(request.headers()) {
            return Err(problem(
                StatusCode::BAD_REQUEST,
                "bad_handshake",
                "a WebSocket handshake has no body",
            ));
        }
        let socket = request.conn_data::<TcpHandle>().cloned();
        Ok(Self { response, payload, socket, endpoint, limits })
    }

    /// Upgrades and opens the WebSocket.
    pub fn accept(mut self) -> (HttpResponse, WebSocket) {
        if let Some(socket) = &self.socket {
            socket.become_session();
        }
        let (outbox, waiting) = Outbox::new(self.limits.outbox);
        let connection =
            Connection::new(self.endpoint, outbox.clone(), self.socket, self.limits.close_timeout);
        let reader = Reader::new(self.payload, self.limits.frames, connection.clone());
        let response = self.response.streaming(Body::new(waiting, connection.clone()));
        (response, WebSocket { reader, outbox, handle: connection })
    }

    /// Upgrades and closes the WebSocket at once. `place` is dropped when it is closed, so that the
    /// connection is counted until then.
    pub fn refuse(self, reason: CloseReason, place: impl Sized + 'static) -> HttpResponse {
        let (response, connection) = self.accept();
        connection.handle.close(reason);
        actix_web::rt::spawn(connection.reader.read_to_the_end().map(|()| drop(place)));
        response
    }
}

fn has_key(headers: &HeaderMap) -> bool {
    headers
        .get(header::SEC_WEBSOCKET_KEY)
        .and_then(|key| base64::engine::general_purpose::STANDARD.decode(key.as_bytes()).ok())
        .is_some_and(|key| key.len() == 16)
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

fn bad_key() -> HttpResponse {
    problem(StatusCode::BAD_REQUEST, "bad_handshake", "Sec-WebSocket-Key must be 16 bytes in base64")
}

/// A 426 response must name what to upgrade to (RFC 9110, section 15.5.22).
fn upgrade_required(detail: &'static str) -> HttpResponse {
    let mut answer = problem(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail);
    answer.headers_mut().insert(header::UPGRADE, header::HeaderValue::from_static("websocket"));
    answer
}

fn other_version() -> HttpResponse {
    let mut answer = upgrade_required("WebSocket version 13 is spoken here");
    answer.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, header::HeaderValue::from_static("13"));
    answer
}

/// The HTTP response to a request that is no WebSocket handshake, or that exceeds the address's connections.
fn problem(status: StatusCode, code: &'static str, detail: &'static str) -> HttpResponse {
    Problem::new(status, code, detail).error_response()
}

/// The token that a handshake offers: in the query, else in `Authorization`, else after the subprotocol
/// `bearer`.
///
/// The first place that has one decides, even if that token is bad: a client that sends two tokens gets no
/// second try.
pub(crate) fn offered_token(uri: &Uri, headers: &HeaderMap) -> Option<Secret<String>> {
    in_query(uri, "token")
        .or_else(|| in_authorization(headers))
        .or_else(|| in_subprotocols(headers))
        .map(Secret::new)
}

/// The single-use ticket of a plain WebSocket handshake. Browsers should use it, because they cannot send
/// headers and a token in an address ends up in histories and logs.
pub(crate) fn offered_ticket(uri: &Uri) -> Option<Secret<String>> {
    in_query(uri, "ticket").map(Secret::new)
}

fn in_query(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query()?.as_bytes();
    let (_, value) = url::form_urlencoded::parse(query).find(|(key, _)| key == name)?;
    (!value.is_empty()).then(|| value.into_owned())
}

fn in_authorization(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case(BEARER) && !token.is_empty()).then(|| token.to_owned())
}

fn in_subprotocols(headers: &HeaderMap) -> Option<String> {
    let mut offered = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim);
    offered.find(|protocol| *protocol == BEARER)?;
    offered.next().filter(|token| !token.is_empty()).map(str::to_owned)
}

/// The load-test secret that a handshake presents.
pub(crate) fn shown_load_test_secret(headers: &HeaderMap) -> Option<Secret<String>> {
    let shown = headers.get("x-load-test-secret")?.to_str().ok()?;
    (!shown.is_empty()).then(|| Secret::new(shown.to_owned()))
}

/// The board client's id in the query; `None` if there is none.
pub(crate) fn named_client(uri: &Uri) -> Option<String> {
    in_query(uri, "client_id")
}

/// The origin of the web page that sent the handshake; `None` if it does not come from a browser.
pub(crate) fn origin(headers: &HeaderMap) -> Option<&str> {
    // A value that is not text becomes empty, which is on no allow-list.
    headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default())
}

/// The origin of the web page that sent the handshake, unless it is the address that the handshake was sent
/// to: clients that are no browsers send that address as their origin.
pub(crate) fn foreign_origin(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    origin(headers).filter(|origin| {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_none() || authority != host
    })
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
