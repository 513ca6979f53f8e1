//! Takes what waits in the outbox of a polling connection to whoever comes for it: the next poll, or after an upgrade the
//! thread of the WebSocket.

use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::time::{Instant, sleep_until, timeout};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};

use super::wire::{Ending, PollingWire};
use crate::realtime::close::{CloseReason, Reconnect};
use crate::realtime::hub::{Outbox, OutboxStream};
use crate::realtime::protocol::engineio::{CLOSE, NOOP, from_frames};
use crate::realtime::transport::Wire as _;

/// While a WebSocket is being tried, a poll is sent home after this long, so that the client can leave polling.
const NOOP_AFTER: Duration = Duration::from_millis(50);

/// What a client does one after the other comes to several threads: by so much the one may be heard late. A second poll at
/// once is a fault, unless the first was given up meanwhile; and a poll may be heard after the goodbye that it waits for.
const RACE: Duration = Duration::from_millis(50);

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
    /// When a client that has given its poll up is taken for gone. What is said to it until then it may still fetch.
    gone_at: Option<Instant>,
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
    works_since: Option<Instant>,
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
            gone_at: None,
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
            let noop_at = self.noop_at();
            tokio::select! {
                biased;
                () = self.wire.changed() => self.on_ending(),
                taken = until_taken(&mut self.on_its_way) => self.on_answered(taken),
                () = until_given_up(&mut self.poll) => self.on_given_up(),
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
                () = until(noop_at) => drop(self.send_home(NOOP)),
                () = until(self.gone_at) => self.wire.cut(),
                () = until(self.ends_at) => break,
            }
        }
        self.say_goodbye().await;
        self.wire.cut();
    }

    /// When the waiting poll keeps the client from changing over for too long.
    fn noop_at(&self) -> Option<Instant> {
        self.poll.as_ref()?;
        let works_since = self.trying.as_ref()?.works_since?;
        Some(self.poll_since.max(works_since) + NOOP_AFTER)
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
                all_taken && (self.poll.is_some() || self.socket.is_some() || self.may_come_back())
            }
            None => false,
        }
    }

    /// A client that is told goodbye need not come back by itself (python's does not), one that finds itself unknown does.
    fn may_come_back(&self) -> bool {
        let reconnect = self.wire.closed_for().map(CloseReason::reconnect);
        matches!(reconnect, Some(Reconnect::Now | Reconnect::Later))
    }

    fn on_ending(&mut self) {
        self.ends_at.get_or_insert_with(|| Instant::now() + self.patience);
    }

    fn on_answered(&mut self, was_taken: bool) {
        if let Some((payload, _)) = self.on_its_way.take().filter(|_| !was_taken) {
            self.put_back(payload);
            self.miss_client();
        }
    }

    fn on_given_up(&mut self) {
        self.poll = None;
        self.miss_client();
    }

    /// It gave a poll up; it may have come with another already.
    fn miss_client(&mut self) {
        if self.poll.is_none() {
            self.gone_at = Some(Instant::now() + self.patience);
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
                    self.trying = reply.send(frames).is_ok().then_some(Trying { line, works_since: None });
                }
            }
            Control::Probed => {
                if let Some(trying) = &mut self.trying {
                    trying.works_since = Some(Instant::now());
                }
            }
            Control::Upgraded => {
                // Clients stop polling first, so this poll comes too late.
                let _ = self.poll.take().map(|poll| poll.send(Answer::Refused));
                self.gone_at = None;
                self.socket = self.trying.take().map(|trying| trying.line);
            }
            Control::Break => self.wire.cut(),
        }
    }

    async fn on_poll(&mut self, poll: oneshot::Sender<Answer>) {
        if let Some(mut earlier) = self.poll.take() {
            if timeout(RACE, earlier.closed()).await.is_err() {
                self.poll = Some(earlier);
                drop(self.send_home(CLOSE));
                let _ = poll.send(Answer::Refused);
                return self.wire.cut();
            }
            self.on_given_up();
        }
        // Engine.IO ends a connection whose poll was given up; ours first lets go what would be lost with it.
        let has_something = self.next.is_some() || self.on_its_way.is_some() || self.wire.has_waiting();
        if self.gone_at.take().is_some() && !has_something {
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
            Err(_) => {
                self.next = Some(frames);
                self.miss_client();
            }
        }
    }

    /// Answers the waiting poll with a packet that need not arrive. Completes when the poll has it.
    fn send_home(&mut self, packet: &'static str) -> oneshot::Receiver<()> {
        let (taken, is_taken) = oneshot::channel();
        if let Some(poll) = self.poll.take() {
            let _ = poll.send(Answer::Payload { payload: Bytes::from_static(packet.as_bytes()), taken });
        }
        is_taken
    }

    /// The last words. They are waited for, because a server that stops waits for the session alone.
    async fn say_goodbye(&mut self) {
        let ending = self.wire.ending();
        if let (Some(socket), Some(Ending::Closed | Ending::Left)) = (self.socket.take(), ending) {
            let reason = self.wire.closed_for();
            let closed = async {
                // A line that stays full is one whose client does not read: it is cut with the line.
                let _ = socket.send(ToSocket::Close(reason)).await;
                while !matches!(self.control.recv().await, Some(Control::Break) | None) {}
            };
            let _ = timeout(self.patience, closed).await;
        } else if ending == Some(Ending::Left) {
            if self.poll.is_none()
                && let Ok(Some(Control::Poll(poll))) = timeout(RACE, self.control.recv()).await
            {
                self.poll = Some(poll);
            }
            let _ = timeout(self.patience, self.send_home(NOOP)).await;
        } else if !self.may_come_back() {
            let _ = timeout(self.patience, self.send_home(CLOSE)).await;
        }
    }
}

async fn until_taken(on_its_way: &mut Option<(Bytes, oneshot::Receiver<()>)>) -> bool {
    match on_its_way {
        Some((_, taken)) => taken.await.is_ok(),
        None => std::future::pending().await,
    }
}

async fn until_given_up(poll: &mut Option<oneshot::Sender<Answer>>) {
    match poll {
        Some(poll) => poll.closed().await,
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
