//! One request and its response, for the timeouts of its connection.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::{ConnectionType, Request};
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Payload, RequestHead, Response};
use actix_web::http::{Method, StatusCode, Version, header};
use bytes::Bytes;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::TcpHandle;

/// A request that is being handled. Dropping it marks the response as ended, which may also be an error
/// response that actix-web wrote by itself.
pub(super) struct Exchange {
    connection: Option<TcpHandle>,
    takes_chunks: bool,
}

impl Exchange {
    pub(super) fn begin(request: &mut Request) -> Self {
        let connection = request.conn_data::<TcpHandle>().cloned();
        if let Some(connection) = &connection {
            connection.0.progress.request_began(Instant::now());
            if matches!(request.payload(), Payload::None) {
                connection.body_ended();
            }
        }
        Self { connection, takes_chunks: takes_chunks(request.head()) }
    }

    /// Delimits a response of unknown length by closing the connection where the client does not support
    /// chunked encoding. Closes a connection that is one too many after its first response.
    pub(super) fn answer<B: MessageBody>(self, mut response: Response<B>) -> Response<Tracked<B>> {
        let is_open_ended = response.body().size() == BodySize::Stream;
        if is_open_ended && !self.takes_chunks && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.head_mut().no_chunking(true);
            response.head_mut().set_connection_type(ConnectionType::Close);
            if let Some(connection) = &self.connection {
                connection.0.ends_with_answer.set(true);
            }
        }
        if self.connection.as_ref().is_some_and(TcpHandle::is_surplus) {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response.map_body(|_, body| Tracked { body, exchange: self })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.0.progress.answer_ended(Instant::now());
        }
    }
}

/// HTTP/1.0 has no chunked encoding (RFC 9112, section 6.1). After a request that might have switched
/// protocols, actix-http announces chunked encoding but does not apply it.
fn takes_chunks(head: &RequestHead) -> bool {
    let might_switch = head.headers().contains_key(header::UPGRADE) || head.method == Method::CONNECT;
    head.version >= Version::HTTP_11 && !might_switch
}

pin_project! {
    /// A response body. actix-web drops it when it has read all of it.
    pub(super) struct Tracked<B> {
        #[pin]
        body: B,
        exchange: Exchange,
    }
}

impl<B: MessageBody> MessageBody for Tracked<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        self.project().body.poll_next(context)
    }
}
