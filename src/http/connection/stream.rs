//! A connection as actix-web reads and writes it.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::rt::net::TcpStream;
use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::handle::TcpHandle;
use super::permits::ConnectionPermit;
use super::phase::Timeouts;
use super::refused_head;

/// The stream that actix-web owns. Reads and writes fail once the client has missed a deadline, upon which
/// actix-web drops the stream; dropping it closes the descriptor.
pub(super) struct Stream {
    handle: TcpHandle,
    /// Set to the deadline or earlier, so that it need not be reset for each request.
    timer: Option<Pin<Box<Sleep>>>,
    /// What is still to be written instead of the refusal of a head that actix-web is writing.
    refusal: Option<Bytes>,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, timeouts: Rc<Timeouts>, permit: ConnectionPermit) -> Self {
        Self { handle: TcpHandle::new(tcp, timeouts, permit), timer: None, refusal: None }
    }

    pub(super) fn handle(&self) -> TcpHandle {
        self.handle.clone()
    }

    fn with<T>(&self, act: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &mut *self.handle.0.tcp.borrow_mut() {
            Some(tcp) => act(Pin::new(tcp)),
            None => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        }
    }

    fn write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = self.with(|tcp| tcp.poll_write(context, bytes));
        match polled {
            Poll::Pending => {
                self.handle.0.progress.write_blocked(Instant::now);
                self.check_deadline(context)?;
            }
            Poll::Ready(_) => self.handle.0.progress.written(),
        }
        polled
    }

    /// Fails if the deadline has passed; otherwise wakes the task when it does.
    fn check_deadline(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let Some(deadline) = self.handle.0.progress.deadline() else {
            if self.handle.is_session() {
                self.timer = None;
            }
            return Ok(());
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(context).is_ready() {
            if timer.deadline() >= deadline {
                log::debug!(target: "souk::http", "a connection kept the server waiting for too long");
                return Err(ErrorKind::TimedOut.into());
            }
            timer.as_mut().reset(deadline);
        }
        Ok(())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = self.with(|tcp| tcp.poll_read(context, into));
        if polled.is_pending() {
            self.check_deadline(context)?;
        } else if into.filled().len() > before {
            self.handle.0.progress.received(Instant::now);
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.refusal.is_none() && self.handle.0.progress.is_receiving_head() {
            self.refusal = refused_head::with_document(bytes);
        }
        let Some(mut refusal) = self.refusal.take() else { return self.write(context, bytes) };
        while !refusal.is_empty() {
            match self.write(context, &refusal) {
                Poll::Ready(written) => refusal.advance(written?),
                Poll::Pending => {
                    self.refusal = Some(refusal);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    /// actix-web flushes at the end of each poll in which everything was written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ends_answer = self.handle.0.progress.flushed(Instant::now);
        if ends_answer && self.handle.0.ends_with_answer.get() {
            self.handle.end_writing();
        }
        self.check_deadline(context)?;
        self.with(|tcp| tcp.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|tcp| tcp.poll_shutdown(context))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.handle.0.end();
    }
}
