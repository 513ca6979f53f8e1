//! The requests of a connection that polls.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::sync::oneshot;

use super::EngineLimits;
use super::answer::Refused;
use super::courier::{Answer, Control};
use super::directory::Line;
use crate::realtime::protocol::engineio::{Packet, read_payload};
use crate::realtime::transport::SocketHandle;

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
            let socket = request.conn_data::<SocketHandle>().cloned();
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
    let body = match read_body(payload, request, limits.max_payload).await {
        Ok(body) => body,
        Err(refused) => return refused.answer(),
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

async fn read_body(mut payload: Payload, request: &HttpRequest, at_most: usize) -> Result<Bytes, Refused> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > at_most) {
        return Err(Refused::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refused::BadRequest)?;
        if body.len() + chunk.len() > at_most {
            return Err(Refused::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
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
    socket: Option<SocketHandle>,
}

impl MessageBody for Delivered {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.payload.as_ref().map_or(0, |payload| payload.len() as u64))
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let is_left = self.socket.as_ref().is_some_and(SocketHandle::is_left);
        if let Some(taken) = self.taken.take().filter(|_| !is_left) {
            // The courier may have ended: nothing comes after this then.
            let _ = taken.send(());
        }
        Poll::Ready(self.payload.take().map(Ok))
    }
}
