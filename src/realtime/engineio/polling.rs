//! The HTTP requests of a connection that uses long-polling.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::http::Problem;
use crate::http::body::{BodyError, read_body};
use crate::http::connection::TcpHandle;
use crate::protocol::engineio::{Packet, read_payload};

use super::EngineLimits;
use super::control::{Control, PollReply, PollResponse};
use super::error::RequestError;
use super::registry::SessionHandle;

/// `GET`: waits for packets to the client.
pub(super) async fn poll(session: SessionHandle, request: &HttpRequest) -> HttpResponse {
    let (reply, response) = PollReply::new();
    if session.control.send(Control::Poll(reply)).await.is_err() {
        return RequestError::SessionUnknown.into_response();
    }
    // Once the `PollingConnection` has removed the session from the registry and ends, no sender must keep
    // its channel open.
    drop(session);
    match response.await {
        Ok(PollResponse::Payload { payload, taken }) => {
            let socket = request.conn_data::<TcpHandle>().cloned();
            let body = TrackedBody { payload: Some(payload), taken: Some(taken), socket };
            headed(HttpResponse::Ok(), "text/plain; charset=UTF-8").body(body)
        }
        Ok(PollResponse::RequestError) => RequestError::BadRequest.into_response(),
        Err(_) => RequestError::SessionUnknown.into_response(),
    }
}

/// `POST`: receives packets from the client. Answered when every packet is with the session or queued for it,
/// so that a client that sends faster has to wait.
pub(super) async fn post(
    session: SessionHandle,
    payload: Payload,
    request: &HttpRequest,
    limits: &EngineLimits,
) -> HttpResponse {
    let Some(_guard) = session.begin_post() else {
        session.abort().await;
        return RequestError::BadRequest.into_response();
    };
    let body = match read_body(request, &mut payload.into_inner(), limits.max_payload).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => return RequestError::TooLarge.into_response(),
        Err(BodyError::Corrupt | BodyError::BrokenOff) => return RequestError::BadRequest.into_response(),
        // Engine.IO defines no error for this.
        Err(error @ BodyError::UnsupportedEncoding) => return Problem::from(error).error_response(),
    };
    let Ok(packets) = read_payload(&body, limits.payload) else {
        session.abort().await;
        return RequestError::BadRequest.into_response();
    };
    for packet in packets {
        let is_last = packet == Packet::Close;
        if session.packets.send(packet).await.is_err() {
            return RequestError::SessionUnknown.into_response();
        }
        if is_last {
            break;
        }
    }
    headed(HttpResponse::Ok(), "text/html").body("ok")
}

/// A text response that must not be cached: the same address gives something else each time.
pub(super) fn text(payload: Bytes) -> HttpResponse {
    headed(HttpResponse::Ok(), "text/plain; charset=UTF-8").body(payload)
}

fn headed(
    mut response: actix_web::HttpResponseBuilder,
    kind: &'static str,
) -> actix_web::HttpResponseBuilder {
    response.insert_header((header::CONTENT_TYPE, kind)).insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

/// A body that reports when the server takes it in order to write it. If it is dropped before that, or the
/// client has disconnected, the payload was not taken.
struct TrackedBody {
    payload: Option<Bytes>,
    taken: Option<oneshot::Sender<()>>,
    socket: Option<TcpHandle>,
}

impl MessageBody for TrackedBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.payload.as_ref().map_or(0, |payload| payload.len() as u64))
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let is_left = self.socket.as_ref().is_some_and(TcpHandle::is_left);
        if let Some(taken) = self.taken.take().filter(|_| !is_left) {
            // If the `PollingConnection` has ended, there is nothing after this payload.
            let _ = taken.send(());
        }
        Poll::Ready(self.payload.take().map(Ok))
    }
}
