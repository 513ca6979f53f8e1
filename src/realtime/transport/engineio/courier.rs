//! Takes what waits in the outbox of a polling connection to whoever comes for it: the next poll, or after an upgrade the
//! thread of the WebSocket.

use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::time::{Instant, sleep_until, timeout};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};

use super::wire::{Ending, PollingWire};
use crate::realtime::close::CloseReason;
use crate::realtime::hub::{Outbox, OutboxStream};
use crate::realtime::protocol::engineio::{CLOSE, NOOP, from_frames};
use crate::realtime::transport::Wire as _;

/// While a WebSocket is being tried, a poll is sent home after this long, so that the client can leave polling.
const NOOP_AFTER: Duration = Duration::from_millis(100);

/// A second poll at once is a fault; but the first may be one that the client gave up and whose end we have not seen yet.
const DUPLICATE_GRACE: Duration = Duration::from_millis(50);

/// What requests tell a courier.
#[derive(Debug)]
pub(super) enum Control {
    /// A client waits for what there is.
    Poll(oneshot::Sender<Answer>),
    /// A WebSocket wants to take over: whether it may try, and by which line it then gets what there is.
    Upgrade(oneshot::Sender<mpsc::Receiver<ToSocket>>),
    /// It works.
    Probed,
    /// It has taken over.
    Upgraded,
    /// The client broke the protocol, or its WebSocket has ended.
    Break,
}

/// What a poll is answered with.
#[derive(Debug)]
pub(super) enum Answer {
    Payload { payload: Bytes, taken: oneshot::Sender<()> },
    Refused,
}

/// What goes to the thread of the WebSocket.
#[derive(Debug)]
pub(super) enum ToSocket {
    Frames(Bytes),
    Close(Option<CloseReason>),
}

pub(super) struct Courier {
    outbox: OutboxStream,
    /// The outbox has ended; what was in it is in `next`.
    is_dry: bool,
    /// Taken out of the outbox, or brought back by a poll that did not take it: not a byte of it is with the client.
    next: Option<Bytes>,
    control: mpsc::Receiver<Control>,
    wire: Rc<PollingWire>,
    poll: Option<oneshot::Sender<Answer>>,
    poll_since: Instant,
    /// An answer on its way, kept until it is written: an aborted poll must not lose it.
    on_its_way: Option<(Bytes, oneshot::Receiver<()>)>,
    trying: Option<Trying>,
    socket: Option<mpsc::Sender<ToSocket>>,
    patience: Duration,
    ends_at: Option<Instant>,
    _over: oneshot::Sender<()>,
}

struct Trying {
    line: mpsc::Sender<ToSocket>,
    works: bool,
}

impl Courier {
    /// `patience` is how long a connection that we close waits for its client. The receiver hears of the courier's end.
    pub(super) fn new(
        outbox: Outbox,
        waiting: OutboxStream,
        control: mpsc::Receiver<Control>,
        patience: Duration,
    ) -> (Self, Rc<PollingWire>, oneshot::Receiver<()>) {
        let wire = Rc::new(PollingWire::new(outbox));
        let (over, is_over) = oneshot::channel();
        let courier = Self {
            outbox: waiting,
            is_dry: false,
            next: None,
            control,
            wire: wire.clone(),
            poll: None,
            poll_since: Instant::now(),
            on_its_way: None,
            trying: None,
            socket: None,
            patience,
            ends_at: None,
            _over: over,
        };
        (courier, wire, is_over)
    }

    /// Works until the connection has ended.
    pub(super) async fn run(mut self) {
        while !self.is_done() {
            self.serve_poll();
            let noop_at = self.poll_since + NOOP_AFTER;
            let works = self.trying.as_ref().is_some_and(|trying| trying.works);
            tokio::select! {
                biased;
                () = self.wire.changed() => self.on_ending(),
                taken = until_taken(&mut self.on_its_way) => self.on_answered(taken),
                control = self.control.recv() => match control {
                    Some(control) => self.on_control(control).await,
                    None => return,
                },
                frames = self.outbox.next(), if self.wants_more() => match frames {
                    Some(frames) => self.next = Some(frames),
                    None => self.is_dry = true,
                },
                permit = reserve(self.socket.clone()), if self.next.is_some() => match (permit, self.next.take()) {
                    (Some(permit), Some(frames)) => drop(permit.send(ToSocket::Frames(frames))),
                    _ => self.wire.cut(),
                },
                () = sleep_until(noop_at), if works && self.poll.is_some() => self.send_home(NOOP),
                () = until(self.ends_at) => break,
            }
        }
        self.say_goodbye().await;
        self.wire.cut();
    }

    /// Whether there is somebody to take what is in the outbox; until then it stays where it is bounded.
    fn wants_more(&self) -> bool {
        let has_taker = self.poll.is_some() || self.socket.is_some() || self.ends_at.is_some();
        self.next.is_none() && !self.is_dry && has_taker
    }

    fn is_done(&self) -> bool {
        match self.wire.ending() {
            Some(Ending::Cut | Ending::Left) => true,
            Some(Ending::Closed) => {
                let all_taken = self.is_dry && self.next.is_none() && self.on_its_way.is_none();
                all_taken && (self.poll.is_some() || self.socket.is_some())
            }
            None => false,
        }
    }

    fn on_ending(&mut self) {
        self.ends_at.get_or_insert_with(|| Instant::now() + self.patience);
    }

    fn on_answered(&mut self, was_taken: bool) {
        if let Some((payload, _)) = self.on_its_way.take().filter(|_| !was_taken) {
            self.put_back(payload);
        }
    }

    /// What a poll did not take is the first that the next one gets.
    fn put_back(&mut self, payload: Bytes) {
        self.next = Some(match self.next.take() {
            Some(frames) => [payload, frames].concat().into(),
            None => payload,
        });
    }

    async fn on_control(&mut self, control: Control) {
        match control {
            Control::Poll(poll) if self.socket.is_some() => drop(poll.send(Answer::Refused)),
            Control::Poll(poll) => self.on_poll(poll).await,
            Control::Upgrade(reply) => {
                let is_tried = self.trying.as_ref().is_some_and(|trying| !trying.line.is_closed());
                if self.socket.is_none() && !is_tried {
                    let (line, frames) = mpsc::channel(1);
                    self.trying = reply.send(frames).is_ok().then_some(Trying { line, works: false });
                }
            }
            Control::Probed => {
                if let Some(trying) = &mut self.trying {
                    trying.works = true;
                }
                self.send_home(NOOP);
            }
            Control::Upgraded => {
                self.send_home(NOOP);
                self.socket = self.trying.take().map(|trying| trying.line);
            }
            Control::Break => self.wire.cut(),
        }
    }

    async fn on_poll(&mut self, poll: oneshot::Sender<Answer>) {
        if let Some(mut earlier) = self.poll.take()
            && timeout(DUPLICATE_GRACE, earlier.closed()).await.is_err()
        {
            self.poll = Some(earlier);
            self.send_home(CLOSE);
            let _ = poll.send(Answer::Refused);
            return self.wire.cut();
        }
        self.poll = Some(poll);
        self.poll_since = Instant::now();
        if self.trying.as_ref().is_some_and(|trying| trying.line.is_closed()) {
            self.trying = None;
        }
    }

    /// Gives the waiting poll what there is.
    fn serve_poll(&mut self) {
        if self.on_its_way.is_some() || self.socket.is_some() {
            return;
        }
        let Some(poll) = self.poll.take_if(|_| self.next.is_some()) else { return };
        let Some(frames) = self.next.take() else { return };
        let (taken, is_taken) = oneshot::channel();
        let payload = Bytes::from(from_frames(&frames));
        match poll.send(Answer::Payload { payload, taken }) {
            Ok(()) => self.on_its_way = Some((frames, is_taken)),
            // The client has given the poll up.
            Err(_) => self.next = Some(frames),
        }
    }

    /// Answers the waiting poll with a packet that need not arrive.
    fn send_home(&mut self, packet: &'static str) {
        if let Some(poll) = self.poll.take() {
            let (taken, _) = oneshot::channel();
            let _ = poll.send(Answer::Payload { payload: Bytes::from_static(packet.as_bytes()), taken });
        }
    }

    async fn say_goodbye(&mut self) {
        match self.wire.ending() {
            Some(Ending::Left) => self.send_home(NOOP),
            _ => self.send_home(CLOSE),
        }
        if let (Some(socket), Some(Ending::Closed | Ending::Left)) = (&self.socket, self.wire.ending()) {
            // A line that stays full is one whose client does not read: it is cut with the line.
            let _ = timeout(self.patience, socket.send(ToSocket::Close(self.wire.closed_for()))).await;
        }
    }
}

async fn until_taken(on_its_way: &mut Option<(Bytes, oneshot::Receiver<()>)>) -> bool {
    match on_its_way {
        Some((_, taken)) => taken.await.is_ok(),
        None => std::future::pending().await,
    }
}

async fn reserve(socket: Option<mpsc::Sender<ToSocket>>) -> Option<mpsc::OwnedPermit<ToSocket>> {
    match socket {
        Some(socket) => socket.reserve_owned().await.ok(),
        None => std::future::pending().await,
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
