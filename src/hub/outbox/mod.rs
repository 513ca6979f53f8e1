//! Outboxes: the frames that wait to be written to one client, bounded in bytes.
//!
//! An outbox lives on one worker thread with its session. Senders push encoded frames; the response body
//! pulls everything that waits as one item, so that a burst of frames leaves in one write.

mod backlog;
mod queue;
mod stream;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::Bytes;

use crate::ids::{ConnectionId, Room, UserId};
use crate::protocol::Topic;
use backlog::Share;
use queue::Queue;

pub(in crate::hub) use backlog::Backlog;
pub(crate) use stream::OutboxStream;

/// What may happen to a frame while the client does not keep up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Never dropped: a client that cannot take it is closed as a slow consumer and resumes with `since`.
    Durable,
    /// Replaces a waiting frame of the same key, at that frame's position in the queue: only the newest state
    /// matters.
    Latest(LatestKey),
    /// Dropped first when the client falls behind.
    Droppable,
}

/// Identifies a state of which only the newest value matters. Shared (`Arc`), because one notice goes to many
/// outboxes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LatestKey(Arc<State>);

#[derive(Debug, PartialEq, Eq, Hash)]
enum State {
    Presence(Room, UserId),
    Progress(Room),
    Focus(Room, ConnectionId),
    Signal(Room, UserId, Topic),
    Client(Room, UserId, Arc<str>),
}

impl LatestKey {
    /// Whether `user` is in `room`.
    pub(crate) fn presence(room: Room, user: UserId) -> Self {
        Self(Arc::new(State::Presence(room, user)))
    }

    /// What a connection looks at or edits on the room's board.
    pub(crate) fn focus(room: Room, connection: ConnectionId) -> Self {
        Self(Arc::new(State::Focus(room, connection)))
    }

    /// What a user tells the room about a topic.
    pub(crate) fn signal(room: Room, user: UserId, topic: Topic) -> Self {
        Self(Arc::new(State::Signal(room, user, topic)))
    }

    /// Whether a user's client has the room's board open.
    pub(crate) fn client(room: Room, user: UserId, client: Arc<str>) -> Self {
        Self(Arc::new(State::Client(room, user, client)))
    }

    /// How far the work that a room follows is.
    pub(crate) fn progress(room: Room) -> Self {
        Self(Arc::new(State::Progress(room)))
    }
}

/// How much may wait for one client, in bytes. Each frame counts its length plus a fixed overhead for storing
/// it.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// Above this, droppable frames are dropped, and a client that drains nothing for the grace period is a
    /// slow consumer.
    pub soft: usize,
    /// Above this the client is a slow consumer at once.
    pub hard: usize,
}

/// What happened to a pushed frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// It waits, or is already being sent.
    Queued,
    /// It replaced an older frame of its key.
    Replaced,
    /// It was droppable, and the queue is above the soft limit.
    Dropped,
    /// It does not fit under the hard limit: the client must be evicted. Every further push returns the same.
    Overflow,
    /// The session's output has ended; the frame is discarded.
    Closed,
}

/// How well a client keeps up, to recognise slow consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes that wait, with the overhead of each frame.
    pub(crate) waiting: usize,
    /// Frames drained since the outbox was created. If two looks see the same count, nothing was drained
    /// between them.
    pub(crate) drained: u64,
    /// Whether the hard limit was exceeded.
    pub(crate) overflowed: bool,
}

/// The sending end. Cheap to clone; not `Send`, because it never leaves its worker thread.
#[derive(Clone)]
pub struct Outbox {
    inner: Rc<RefCell<Inner>>,
    channel: Channel,
}

/// Sessions that share an outbox (Socket.IO namespaces of one connection) each have a channel: a latest-wins
/// frame of one replaces no frame of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Channel(u8);

struct Inner {
    queue: Queue,
    /// Where the queue is counted, once its session is registered.
    backlog: Option<Rc<Backlog>>,
    reader: Option<Waker>,
    /// The task that waits in [`Outbox::drained`].
    refiller: Option<Waker>,
}

impl Outbox {
    /// An empty outbox and the stream that drains it.
    pub(crate) fn new(limits: OutboxLimits) -> (Outbox, OutboxStream) {
        let inner = Inner { queue: Queue::new(limits), backlog: None, reader: None, refiller: None };
        let outbox = Self { inner: Rc::new(RefCell::new(inner)), channel: Channel::default() };
        (outbox.clone(), OutboxStream::new(outbox))
    }

    /// The same outbox for another session of the same client; see `Channel`.
    pub(crate) fn on_channel(&self, channel: u8) -> Self {
        Self { inner: self.inner.clone(), channel: Channel(channel) }
    }

    /// Adds a complete frame and wakes the reader.
    pub fn push(&self, frame: Bytes, delivery: Delivery) -> Pushed {
        let channel = self.channel;
        self.with_reader_woken(|queue| queue.push(frame, delivery, channel))
    }

    /// Ends the session's output: waiting frames are still sent (after an overflow, none are), then `last` (a
    /// close frame), then the stream ends.
    pub(crate) fn finish(&self, last: Bytes) {
        self.with_reader_woken(|queue| queue.finish(Some(last)));
    }

    /// Ends the session's output: waiting frames are still sent, then the stream ends.
    pub(crate) fn end(&self) {
        self.with_reader_woken(|queue| queue.finish(None));
    }

    /// Completes when nothing waits any more. For a task that refills this outbox from another queue.
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

    /// Ends the session's output at once: waiting frames are discarded and the stream ends.
    pub(crate) fn close(&self) {
        self.with_reader_woken(Queue::close);
    }

    /// Discards the waiting frames, so that a final notice fits. For clients that do not read: their memory
    /// must be freed before they disconnect.
    pub(crate) fn clear(&self) {
        self.inner.borrow_mut().change(Queue::clear);
    }

    /// Counts what waits here in `backlog` from now on, as long as the outbox exists.
    pub(in crate::hub) fn count_in(&self, backlog: &Rc<Backlog>) {
        let mut inner = self.inner.borrow_mut();
        // Sessions that share the outbox are registered one by one.
        if inner.backlog.is_none() {
            backlog.replace(Share::default(), inner.queue.share());
            inner.backlog = Some(backlog.clone());
        }
    }

    /// How well the client keeps up.
    pub(crate) fn progress(&self) -> Progress {
        self.inner.borrow().queue.progress()
    }

    /// Bytes that the client has not been sent, with the overhead of each frame: they wait, or were discarded.
    pub(crate) fn unsent(&self) -> usize {
        self.inner.borrow().queue.unsent()
    }

    fn with_reader_woken<R>(&self, change: impl FnOnce(&mut Queue) -> R) -> R {
        let mut inner = self.inner.borrow_mut();
        let result = inner.change(change);
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
    /// Changes the queue, and what it contributes to the backlog.
    fn change<R>(&mut self, change: impl FnOnce(&mut Queue) -> R) -> R {
        let before = self.queue.share();
        let result = change(&mut self.queue);
        if let Some(backlog) = &self.backlog {
            backlog.replace(before, self.queue.share());
        }
        result
    }

    /// The refiller's waker, if the queue is empty.
    fn take_refiller(&mut self) -> Option<Waker> {
        if self.queue.progress().waiting == 0 { self.refiller.take() } else { None }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(backlog) = &self.backlog {
            backlog.replace(self.queue.share(), Share::default());
        }
    }
}
