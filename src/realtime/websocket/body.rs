//! The sending half of a WebSocket: the body of the handshake's response.

use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::web::Bytes;
use futures_util::Stream;

use crate::hub::OutboxStream;

use super::connection::Connection;

/// Yields the outbox until it ends with a close frame, then waits for the client's close frame and ends the
/// connection.
pub(super) struct Body {
    outbox: OutboxStream,
    connection: Rc<Connection>,
    phase: Phase,
}

#[derive(Clone, Copy)]
enum Phase {
    Open,
    AwaitingClient,
    /// The server writes what a body has yielded when it polls the body again; only after that may the
    /// socket's sending side be shut down.
    Flushing,
    Ended,
}

impl Body {
    pub(super) fn new(outbox: OutboxStream, connection: Rc<Connection>) -> Self {
        Self { outbox, connection, phase: Phase::Open }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let body = self.get_mut();
        loop {
            match body.phase {
                Phase::Open => match Pin::new(&mut body.outbox).poll_next(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Some(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                    Poll::Ready(None) => body.phase = Phase::AwaitingClient,
                },
                Phase::AwaitingClient if body.connection.is_read_to_the_end() => {
                    body.phase = Phase::Flushing;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Phase::AwaitingClient => {
                    body.connection.wake_at_the_end(context.waker());
                    return Poll::Pending;
                }
                Phase::Flushing => {
                    body.connection.end_writing();
                    body.phase = Phase::Ended;
                }
                Phase::Ended => return Poll::Ready(None),
            }
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // The server dropped the connection: nothing can be sent any more.
        self.connection.disconnected();
    }
}
