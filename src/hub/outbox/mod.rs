//! Outboxes: what waits to be written to one client, bounded in bytes.
//!
//! An outbox lives on one worker thread with its session. Whoever has something to say pushes an encoded frame;
//! the response body pulls everything that waits as one item, so that a burst leaves in one write.

mod queue;
mod stream;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::Bytes;

use crate::ids::{Room, UserId};
use queue::Queue;

pub use stream::OutboxStream;

/// What may happen to a frame while the client does not keep up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Never dropped: a client that cannot take it is closed as a slow consumer and resumes by `since`.
    Durable,
    /// Replaces a frame of the same key that still waits, in that frame's place: only the newest state matters.
    Latest(LatestKey),
    /// The first to go when the client falls behind.
    Droppable,
}

/// Names a state of which only the newest value matters. Shared, because one notice goes to many outboxes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LatestKey(Arc<State>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct State {
    topic: Topic,
    room: Room,
    user: UserId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Topic {
    Presence,
    ReadMarker,
}

impl LatestKey {
    /// Whether `user` is in `room`.
    pub fn presence(room: Room, user: UserId) -> Self {
        Self(Arc::new(State { topic: Topic::Presence, room, user }))
    }

    /// How far `user` has read in `room`.
    pub fn read_marker(room: Room, user: UserId) -> Self {
        Self(Arc::new(State { topic: Topic::ReadMarker, room, user }))
    }
}

/// How much may wait for one client, in bytes. Each frame weighs its length and what keeping it costs.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// Past this, droppable frames go, and a client that takes nothing for the grace period is slow.
    pub soft: usize,
    /// Past this the client is slow at once.
    pub hard: usize,
}

/// What became of a pushed frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// It waits, or is already on its way.
    Queued,
    /// It took the place of an older frame of its key.
    Replaced,
    /// It was droppable, and the client is behind.
    Dropped,
    /// It does not fit under the hard limit: the client must be evicted. Every push answers the same from then on.
    Overflow,
    /// The session is ending; nothing more goes out.
    Closed,
}

/// How a client keeps up, for the slow-consumer watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Weight of all that waits.
    pub waiting: usize,
    /// Frames that ever left. Equal in two looks: nothing was drained between them.
    pub drained: u64,
    /// The hard limit was hit.
    pub overflowed: bool,
}

/// The writing end. Cheap to clone; not `Send`, because it never leaves its worker thread.
#[derive(Clone)]
pub struct Outbox {
    inner: Rc<RefCell<Inner>>,
    channel: Channel,
}

/// Sessions that share an outbox each have a lane: what is newest in one replaces nothing of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Channel(u8);

struct Inner {
    queue: Queue,
    reader: Option<Waker>,
    /// Whoever waits for the queue to be empty.
    refiller: Option<Waker>,
}

impl Outbox {
    /// An empty outbox and the stream that drains it.
    pub fn new(limits: OutboxLimits) -> (Outbox, OutboxStream) {
        let inner = Inner { queue: Queue::new(limits), reader: None, refiller: None };
        let outbox = Self { inner: Rc::new(RefCell::new(inner)), channel: Channel::default() };
        (outbox.clone(), OutboxStream::new(outbox))
    }

    /// The same outbox for another session of the same client.
    pub fn on_channel(&self, channel: u8) -> Self {
        Self { inner: self.inner.clone(), channel: Channel(channel) }
    }

    /// Adds a complete frame and wakes the reader.
    pub fn push(&self, frame: Bytes, delivery: Delivery) -> Pushed {
        let channel = self.channel;
        self.with_reader_woken(|queue| queue.push(frame, delivery, channel))
    }

    /// Ends the session's output: what waits still goes out (after an overflow, nothing does), then `last` (a close
    /// frame), then the stream ends.
    pub fn finish(&self, last: Bytes) {
        self.with_reader_woken(|queue| queue.finish(Some(last)));
    }

    /// Ends the session's output: what waits still goes out, then the stream ends.
    pub fn end(&self) {
        self.with_reader_woken(|queue| queue.finish(None));
    }

    /// Completes when nothing waits any more: for whoever refills this outbox from elsewhere.
    pub async fn drained(&self) {
        std::future::poll_fn(|context| {
            let mut inner = self.inner.borrow_mut();
            if inner.queue.progress().waiting == 0 {
                return Poll::Ready(());
            }
            inner.refiller = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Ends the session's output at once: what waits is forgotten and the stream ends.
    pub fn close(&self) {
        self.with_reader_woken(Queue::close);
    }

    /// Forgets what waits, so that a last word fits. For clients that do not read: their memory must go before they do.
    pub fn clear(&self) {
        self.inner.borrow_mut().queue.clear();
    }

    /// How the client keeps up.
    pub fn progress(&self) -> Progress {
        self.inner.borrow().queue.progress()
    }

    fn with_reader_woken<R>(&self, change: impl FnOnce(&mut Queue) -> R) -> R {
        let mut inner = self.inner.borrow_mut();
        let result = change(&mut inner.queue);
        let reader = if inner.queue.is_worth_a_poll() { inner.reader.take() } else { None };
        let refiller = inner.take_refiller();
        drop(inner);
        for waker in reader.into_iter().chain(refiller) {
            waker.wake();
        }
        result
    }
}

impl Inner {
    /// The refiller, if there is room for it.
    fn take_refiller(&mut self) -> Option<Waker> {
        if self.queue.progress().waiting == 0 { self.refiller.take() } else { None }
    }
}
