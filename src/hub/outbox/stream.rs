//! The receiving end of an outbox.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;

use super::Outbox;
use super::queue::Drained;

/// Maximum bytes of an item, except for a single larger frame. The transport holds an item in memory until
/// the client has taken it, so this bounds what a client that stops reading costs beyond its outbox.
const CHUNK: usize = 64 * 1024;

/// Yields everything that waits, coalesced into one item; ends after [`Outbox::finish`] or [`Outbox::close`].
///
/// Dropping it closes the outbox: nothing can be written to the client any more.
pub(crate) struct OutboxStream {
    outbox: Outbox,
    /// Most frames of an item.
    frames: usize,
}

impl OutboxStream {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox, frames: usize::MAX }
    }

    /// The same, with at most so many frames in an item: at least one.
    pub(crate) fn with_frames(mut self, frames: usize) -> Self {
        self.frames = frames;
        self
    }
}

impl Stream for OutboxStream {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut inner = self.outbox.inner.borrow_mut();
        match inner.change(|queue| queue.drain(CHUNK, self.frames)) {
            Drained::Frames(bytes) => {
                if let Some(refiller) = inner.take_refiller() {
                    refiller.wake();
                }
                Poll::Ready(Some(bytes))
            }
            Drained::Ended => Poll::Ready(None),
            Drained::Nothing => {
                match &mut inner.reader {
                    Some(reader) => reader.clone_from(context.waker()),
                    none => *none = Some(context.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for OutboxStream {
    fn drop(&mut self) {
        self.outbox.close();
    }
}
