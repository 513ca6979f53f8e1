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

use super::EngineLimits;
use super::answer::Refused;
use super::courier::{Answer, Control};
use super::directory::Line;
use crate::http::Problem;
use crate::http::body::{BodyError, read_body};
use crate::http::connection::TcpHandle;
use crate::realtime::protocol::engineio::{Packet, read_payload};

/// `GET`: waits for what there is to say.
pub(super) async fn poll(line: Line, request: &HttpRequest) -> HttpResponse {
    let (reply, answer) = oneshot::channel();
    if line.control.send(Control::Poll(reply)).await.is_err() {
        return Refused::SessionUnknown.answer();
    }
    // The courier finds the connection closed when it forgets the line.
    drop(line);
    match answer.await {
        Ok(Answer::Payload { payload, taken }) => {
            let socket = request.conn_data::<TcpHandle>().cloned();
            let body = Delivered { payload: Some(payload), taken: Some(taken), socket };
            headed(HttpResponse::Ok(), "text/plain; charset=UTF-8").body(body)
        }
        Ok(Answer::Refused) => Refused::BadRequest.answer(),
        Err(_) => Refused::SessionUnknown.answer(),
    }
}

/// `POST`: takes in what the client says. Answered when the session has taken it, or has it next: a client that is
/// faster than that waits.
pub(super) async fn post(
    line: Line,
    payload: Payload,
    request: &HttpRequest,
    limits: &EngineLimits,
) -> HttpResponse {
    let Some(_turn) = line.turn() else {
        line.break_off().await;
        return Refused::BadRequest.answer();
    };
    let body = match read_body(request, &mut payload.into_inner(), limits.max_payload).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => return Refused::TooLarge.answer(),
        Err(BodyError::Corrupt | BodyError::BrokenOff) => return Refused::BadRequest.answer(),
        // Engine.IO has no words for this.
        Err(error @ BodyError::UnsupportedEncoding) => return Problem::from(error).error_response(),
    };
    let Ok(packets) = read_payload(&body, limits.payload) else {
        line.break_off().await;
        return Refused::BadRequest.answer();
    };
    for packet in packets {
        let is_last = packet == Packet::Close;
        if line.packets.send(packet).await.is_err() {
            return Refused::SessionUnknown.answer();
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

fn headed(mut answer: actix_web::HttpResponseBuilder, kind: &'static str) -> actix_web::HttpResponseBuilder {
    answer.insert_header((header::CONTENT_TYPE, kind)).insert_header((header::CACHE_CONTROL, "no-store"));
    answer
}

/// A body that tells when the server takes it to write it. Dropped before that, or written to nobody, it was not taken.
struct Delivered {
    payload: Option<Bytes>,
    taken: Option<oneshot::Sender<()>>,
    socket: Option<TcpHandle>,
}

impl MessageBody for Delivered {
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
