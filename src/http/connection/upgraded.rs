//! A connection that a client asked to upgrade to WebSocket.
//!
//! Once it is upgraded, nothing of HTTP is left of it: what the client sends is read when the session asks for it, into
//! memory that no connection owns, and what the session sends is written from where it is. actix-web would keep two
//! buffers of 8 KiB for a next request that never comes, and copy every byte through them.

use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use actix_codec::{Encoder as _, Framed, FramedParts};
use actix_http::h1::{Codec, Message};
use actix_http::{ConnectionType, Payload, Request};
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Response;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};

use super::handle::{Session, TcpHandle};
use super::stream::Stream;

/// Bytes that are read at once.
const READ: usize = 8 * 1024;

/// A connection whose request asked for the upgrade and waits for its answer.
pub(super) struct Upgradable {
    stream: Stream,
    codec: Codec,
    /// The rest of an earlier response.
    unwritten: BytesMut,
}

impl Upgradable {
    pub(super) fn handle(&self) -> TcpHandle {
        self.stream.handle()
    }

    /// Takes the connection over from actix-web; the request's payload is what the client sends from now on.
    pub(super) fn of(request: &mut Request, framed: Framed<Stream, Codec>) -> Self {
        let FramedParts { io: stream, codec, read_buf, write_buf, .. } = framed.into_parts();
        // Copied: it is a piece of the buffer that is to be freed.
        let early = Bytes::copy_from_slice(&read_buf);
        let payload = Box::pin(Received { handle: stream.handle(), early });
        *request.payload() = Payload::Stream { payload };
        Self { stream, codec, unwritten: write_buf }
    }

    /// Writes the response. If it switches protocols, what remains to be done is returned: to write its body, which is
    /// what the session sends. A response that does not is the last one of its connection.
    ///
    /// # Errors
    /// Those of the connection.
    pub(super) async fn answer<B: MessageBody + 'static>(
        self,
        response: Response<B>,
    ) -> io::Result<Option<Session>> {
        let Self { mut stream, mut codec, unwritten: mut encoded } = self;
        let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let (mut head, body) = response.into_parts();
        if !switches {
            head.head_mut().set_connection_type(ConnectionType::Close);
        }
        let size = body.size();
        codec.encode(Message::Item((head, size)), &mut encoded)?;
        stream.write_all(&encoded).await?;
        if switches {
            return Ok(Some(Box::pin(send(stream, body))));
        }
        let mut body = pin!(body);
        if !matches!(size, BodySize::None | BodySize::Sized(0)) {
            while let Some(chunk) = next(body.as_mut()).await? {
                encoded.clear();
                codec.encode(Message::Chunk(Some(chunk)), &mut encoded)?;
                stream.write_all(&encoded).await?;
            }
            encoded.clear();
            codec.encode(Message::Chunk(None), &mut encoded)?;
            stream.write_all(&encoded).await?;
        }
        end(stream).await?;
        Ok(None)
    }
}

/// Writes what a session sends, until it or its client ends.
async fn send(mut stream: Stream, body: impl MessageBody) -> io::Result<()> {
    let mut body = pin!(body);
    while let Some(frames) = next(body.as_mut()).await? {
        stream.write_all(&frames).await?;
    }
    end(stream).await
}

async fn end(mut stream: Stream) -> io::Result<()> {
    stream.flush().await?;
    stream.shutdown().await
}

/// What the client sends after the head of its request.
struct Received {
    handle: TcpHandle,
    /// What came with the head.
    early: Bytes,
}

impl futures_util::Stream for Received {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.early.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.early))));
        }
        let mut space = [MaybeUninit::uninit(); READ];
        let mut into = ReadBuf::uninit(&mut space);
        match &mut *self.handle.0.tcp.borrow_mut() {
            Some(tcp) => match Pin::new(tcp).poll_read(context, &mut into) {
                Poll::Pending => {
                    self.handle.0.await_end(context.waker());
                    return Poll::Pending;
                }
                Poll::Ready(read) => read?,
            },
            // The connection has ended.
            None => return Poll::Ready(None),
        }
        match into.filled() {
            [] => Poll::Ready(None),
            read => Poll::Ready(Some(Ok(Bytes::copy_from_slice(read)))),
        }
    }
}

async fn next<B: MessageBody>(mut body: Pin<&mut B>) -> io::Result<Option<Bytes>> {
    let chunk = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await;
    chunk.transpose().map_err(|error| io::Error::other(error.into().to_string()))
}
