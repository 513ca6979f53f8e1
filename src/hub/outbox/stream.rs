//! The receiving end of an outbox.

use std::future::Future as _;
use std::pin::{Pin, pin};
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
    /// Whether a frame that found the queue empty has waited for what else this turn of the thread sends.
    has_waited: bool,
}

impl OutboxStream {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox, frames: usize::MAX, has_waited: false }
    }

    /// The same, with at most so many frames in an item: at least one.
    pub(crate) fn with_frames(mut self, frames: usize) -> Self {
        self.frames = frames;
        self
    }
}

#[cfg(test)]
impl OutboxStream {
    /// Everything that waits, up to a chunk, as if the other tasks of the thread had run; `None` if nothing does.
    pub(in crate::hub) fn waiting(&mut self) -> Option<Bytes> {
        use futures_util::{FutureExt as _, StreamExt as _};
        let mut next = || self.next().now_or_never();
        next().or_else(next).flatten()
    }
}

impl Stream for OutboxStream {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Self { outbox, frames, has_waited } = self.get_mut();
        let mut inner = outbox.inner.borrow_mut();
        if inner.queue.progress().waiting == 0 {
            *has_waited = false;
        } else if !std::mem::replace(has_waited, true) {
            // Polled once, it has the runtime wake this task after all that are ready, once it has looked for input.
            let _ = pin!(tokio::task::yield_now()).poll(context);
            return Poll::Pending;
        }
        match inner.queue.drain(CHUNK, *frames) {
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

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use tokio::task::{LocalSet, spawn_local};

    use super::*;
    use crate::hub::{Delivery, HubConfig, Pushed};

    #[tokio::test]
    async fn what_the_tasks_of_one_turn_send_leaves_together() {
        let (outbox, stream) = Outbox::new(HubConfig::default().outbox);
        let push = |outbox: &Outbox, frame: &'static str| outbox.push(frame.into(), Delivery::Durable);
        let sent = async {
            let leaving = spawn_local(stream.collect::<Vec<_>>());
            tokio::task::yield_now().await;
            let _ = push(&outbox, "event ");
            // Behind the task that writes, which the push has woken.
            let answering = outbox.clone();
            let pushed = spawn_local(async move { push(&answering, "ack") }).await;
            assert_eq!(pushed.unwrap(), Pushed::Queued);
            tokio::task::yield_now().await;
            let _ = push(&outbox, "later");
            outbox.end();
            leaving.await.unwrap()
        };
        assert_eq!(LocalSet::new().run_until(sent).await, ["event ack", "later"]);
    }
}
