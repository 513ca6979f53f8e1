//! The receiving half of a WebSocket.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::web::{Buf, Bytes, Payload};
use futures_util::Stream;

use crate::realtime::connection::Inbound;

use super::connection::Connection;
use super::decoder::{Decoder, FrameLimits, Incoming};

/// Yields the client's messages; answers pings itself. Ends after [`Inbound::Gone`] or [`Inbound::Fault`].
///
/// While it is not polled, the client's data waits in a small buffer and then in the network: a busy session
/// makes its client wait and does not use memory.
pub struct Reader {
    payload: Payload,
    chunk: Bytes,
    decoder: Decoder,
    connection: Rc<Connection>,
    ended: bool,
}

impl Reader {
    pub(super) fn new(payload: Payload, limits: FrameLimits, connection: Rc<Connection>) -> Self {
        Self { payload, chunk: Bytes::new(), decoder: Decoder::new(limits), connection, ended: false }
    }

    /// The next message or control frame in the bytes received so far.
    fn next_received(&mut self) -> Option<Inbound> {
        let mut rest: &[u8] = &self.chunk;
        let decoded = self.decoder.decode(&mut rest);
        let taken = self.chunk.len() - rest.len();
        self.chunk.advance(taken);
        match decoded {
            Ok(None) => None,
            Ok(Some(Incoming::Text(text))) => Some(Inbound::Text(text)),
            Ok(Some(Incoming::Binary(bytes))) => Some(Inbound::Binary(bytes)),
            Ok(Some(Incoming::Ping(payload))) => {
                self.connection.pong(&payload);
                Some(Inbound::Alive)
            }
            Ok(Some(Incoming::Pong)) => Some(Inbound::Alive),
            Ok(Some(Incoming::Close(code))) => {
                self.ended = true;
                self.connection.closed_by_client(code);
                Some(Inbound::Gone)
            }
            Err(reason) => {
                self.ended = true;
                self.connection.end_of_reading();
                Some(Inbound::Fault(reason))
            }
        }
    }

    /// Reads until the client's close frame and discards everything before it: for a connection that the
    /// server is closing.
    pub(crate) async fn read_to_the_end(mut self) {
        while futures_util::StreamExt::next(&mut self).await.is_some() {}
    }
}

impl Stream for Reader {
    type Item = Inbound;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Inbound>> {
        let reader = self.get_mut();
        loop {
            if reader.ended {
                return Poll::Ready(None);
            }
            if let Some(inbound) = reader.next_received() {
                return Poll::Ready(Some(inbound));
            }
            match Pin::new(&mut reader.payload).poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(chunk))) => reader.chunk = chunk,
                // The connection broke, or ended without a close frame: no answer can be sent.
                Poll::Ready(None | Some(Err(_))) => {
                    reader.ended = true;
                    reader.connection.disconnected();
                    return Poll::Ready(Some(Inbound::Gone));
                }
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Nothing is read any more, so the body must not wait for the client's close frame.
        self.connection.end_of_reading();
    }
}
