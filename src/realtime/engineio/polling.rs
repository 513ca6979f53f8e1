//! The requests of a connection that polls.

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
use super::error::RequestError;
use super::polling_connection::{Control, PollResponse};
use super::registry::SessionHandle;

/// `GET`: waits for what there is to say.
pub(super) async fn poll(session: SessionHandle, request: &HttpRequest) -> HttpResponse {
    let (reply, response) = oneshot::channel();
    if session.control.send(Control::Poll(reply)).await.is_err() {
        return RequestError::SessionUnknown.into_response();
    }
    // The courier finds the connection closed when it forgets the line.
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

/// `POST`: takes in what the client says. Answered when the session has taken it, or has it next: a client that is
/// faster than that waits.
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
        // Engine.IO has no words for this.
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

/// Text that nobody may keep: the same address brings something else each time.
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

/// A body that tells when the server takes it to write it. Dropped before that, or written to nobody, it was not taken.
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
            // The courier may have ended: nothing comes after this then.
            let _ = taken.send(());
        }
        Poll::Ready(self.payload.take().map(Ok))
    }
}
