//! Delivers the outbox of a polling connection: to the next poll, or after an upgrade to the thread of the
//! WebSocket.

use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::time::{Instant, sleep_until, timeout};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};

use crate::hub::{Outbox, OutboxStream};
use crate::protocol::close::{CloseReason, Reconnect};
use crate::protocol::engineio::{CLOSE, NOOP, from_frames};
use crate::realtime::connection::ConnectionHandle as _;

use super::polling_handle::{CloseState, PollingHandle};

/// While a WebSocket is being probed, a poll is answered with `noop` after this long, so that the client can
/// stop polling.
const NOOP_AFTER: Duration = Duration::from_millis(50);

/// Requests that a client sends one after the other may arrive on different threads out of order, by about
/// this much. A second concurrent poll is an error unless the first is aborted within this time; and a poll
/// may arrive this much after the `close` packet that it is meant to be answered for.
const RACE: Duration = Duration::from_millis(50);

/// Messages from requests to a [`PollingConnection`].
#[derive(Debug)]
pub(super) enum Control {
    /// A poll waits for packets.
    Poll(oneshot::Sender<PollResponse>),
    /// A WebSocket asks to take over. If it may try, the reply is the channel by which it will get frames.
    Upgrade(oneshot::Sender<mpsc::Receiver<ToSocket>>),
    /// The WebSocket was probed: it works.
    Probed,
    /// The client has changed to the WebSocket.
    Upgraded,
    /// The client broke the protocol, or its WebSocket has ended.
    Break,
}

/// The answer to a poll.
#[derive(Debug)]
pub(super) enum PollResponse {
    Payload { payload: Bytes, taken: oneshot::Sender<()> },
    RequestError,
}

/// Messages to the thread of the WebSocket.
#[derive(Debug)]
pub(super) enum ToSocket {
    Frames(Bytes),
    Close(Option<CloseReason>),
}

pub(super) struct PollingConnection {
    outbox: OutboxStream,
    /// The outbox has ended; its last frames are in `next`.
    is_drained: bool,
    /// Frames taken out of the outbox, or returned because a poll did not take them: the client has none of
    /// these bytes.
    next: Option<Bytes>,
    control: mpsc::Receiver<Control>,
    handle: Rc<PollingHandle>,
    poll: Option<oneshot::Sender<PollResponse>>,
    poll_since: Instant,
    /// When a client that aborted its poll counts as disconnected. Until then it may fetch what waits.
    disconnect_at: Option<Instant>,
    /// A payload that was given to a poll, kept until the server writes it: an aborted poll must not lose it.
    in_flight: Option<(Bytes, oneshot::Receiver<()>)>,
    upgrading: Option<Upgrading>,
    socket: Option<mpsc::Sender<ToSocket>>,
    close_timeout: Duration,
    ends_at: Option<Instant>,
    _over: oneshot::Sender<()>,
}

struct Upgrading {
    sender: mpsc::Sender<ToSocket>,
    works_since: Option<Instant>,
}

impl PollingConnection {
    /// `close_timeout` bounds how long a connection that the server closes waits for its client. The receiver
    /// completes when the `PollingConnection` has ended.
    pub(super) fn new(
        outbox: Outbox,
        waiting: OutboxStream,
        control: mpsc::Receiver<Control>,
        close_timeout: Duration,
    ) -> (Self, Rc<PollingHandle>, oneshot::Receiver<()>) {
        let handle = Rc::new(PollingHandle::new(outbox));
        let (done, is_done_signal) = oneshot::channel();
        let polling = Self {
            outbox: waiting,
            is_drained: false,
            next: None,
            control,
            handle: handle.clone(),
            poll: None,
            poll_since: Instant::now(),
            disconnect_at: None,
            in_flight: None,
            upgrading: None,
            socket: None,
            close_timeout,
            ends_at: None,
            _over: done,
        };
        (polling, handle, is_done_signal)
    }

    /// Runs until the connection has ended.
    pub(super) async fn run(mut self) {
        while !self.is_done() {
            self.serve_poll();
            let noop_at = self.noop_at();
            tokio::select! {
                biased;
                () = self.handle.changed() => self.on_closing(),
                taken = until_taken(&mut self.in_flight) => self.on_answered(taken),
                () = until_given_up(&mut self.poll) => self.on_given_up(),
                control = self.control.recv() => match control {
                    Some(control) => self.on_control(control).await,
                    None => return,
                },
                frames = self.outbox.next(), if self.wants_more() => match frames {
                    Some(frames) => self.next = Some(frames),
                    None => self.is_drained = true,
                },
                permit = reserve(self.socket.clone()), if self.next.is_some() => match (permit, self.next.take()) {
                    (Some(permit), Some(frames)) => drop(permit.send(ToSocket::Frames(frames))),
                    _ => self.handle.abort(),
                },
                () = until(noop_at) => drop(self.release_poll(NOOP)),
                () = until(self.disconnect_at) => self.handle.abort(),
                () = until(self.ends_at) => break,
            }
        }
        self.finish_closing().await;
        self.handle.abort();
    }

    /// When the waiting poll must be answered with `noop`, so that it does not delay the upgrade.
    fn noop_at(&self) -> Option<Instant> {
        self.poll.as_ref()?;
        let works_since = self.upgrading.as_ref()?.works_since?;
        Some(self.poll_since.max(works_since) + NOOP_AFTER)
    }

    /// Whether frames should be taken out of the outbox: only if something can take them, because only the
    /// outbox is bounded.
    fn wants_more(&self) -> bool {
        let has_taker = self.poll.is_some() || self.socket.is_some() || self.ends_at.is_some();
        self.next.is_none() && !self.is_drained && has_taker
    }

    fn is_done(&self) -> bool {
        match self.handle.close_state() {
            Some(CloseState::Aborted | CloseState::Left) => true,
            Some(CloseState::Closed) => {
                let all_taken = self.is_drained && self.next.is_none() && self.in_flight.is_none();
                all_taken && (self.poll.is_some() || self.socket.is_some() || self.client_reconnects())
            }
            None => false,
        }
    }

    /// Whether the client should reconnect. Such a client is not sent `close`, after which some clients
    /// (python's) do not reconnect; all reconnect when their session is unknown.
    fn client_reconnects(&self) -> bool {
        let reconnect = self.handle.close_reason().map(CloseReason::reconnect);
        matches!(reconnect, Some(Reconnect::Now | Reconnect::Later))
    }

    fn on_closing(&mut self) {
        self.ends_at.get_or_insert_with(|| Instant::now() + self.close_timeout);
    }

    fn on_answered(&mut self, was_taken: bool) {
        if let Some((payload, _)) = self.in_flight.take().filter(|_| !was_taken) {
            self.put_back(payload);
            self.client_missing();
        }
    }

    fn on_given_up(&mut self) {
        self.poll = None;
        self.client_missing();
    }

    /// The client aborted a poll. Unless another one is waiting already, it counts as disconnected after the
    /// timeout.
    fn client_missing(&mut self) {
        if self.poll.is_none() {
            self.disconnect_at = Some(Instant::now() + self.close_timeout);
        }
    }

    /// Returns frames that a poll did not take; the next poll gets them first.
    fn put_back(&mut self, payload: Bytes) {
        self.next = Some(match self.next.take() {
            Some(frames) => [payload, frames].concat().into(),
            None => payload,
        });
    }

    async fn on_control(&mut self, control: Control) {
        match control {
            Control::Poll(poll) if self.socket.is_some() => drop(poll.send(PollResponse::RequestError)),
            Control::Poll(poll) => self.on_poll(poll).await,
            Control::Upgrade(reply) => {
                let is_upgrading =
                    self.upgrading.as_ref().is_some_and(|upgrading| !upgrading.sender.is_closed());
                if self.socket.is_none() && !is_upgrading {
                    let (sender, frames) = mpsc::channel(1);
                    self.upgrading =
                        reply.send(frames).is_ok().then_some(Upgrading { sender, works_since: None });
                }
            }
            Control::Probed => {
                if let Some(upgrading) = &mut self.upgrading {
                    upgrading.works_since = Some(Instant::now());
                }
            }
            Control::Upgraded => {
                // Clients stop polling before they upgrade, so a poll that waits now arrived out of order.
                let _ = self.poll.take().map(|poll| poll.send(PollResponse::RequestError));
                self.disconnect_at = None;
                self.socket = self.upgrading.take().map(|upgrading| upgrading.sender);
            }
            Control::Break => self.handle.abort(),
        }
    }

    async fn on_poll(&mut self, poll: oneshot::Sender<PollResponse>) {
        if let Some(mut earlier) = self.poll.take() {
            if timeout(RACE, earlier.closed()).await.is_err() {
                self.poll = Some(earlier);
                drop(self.release_poll(CLOSE));
                let _ = poll.send(PollResponse::RequestError);
                return self.handle.abort();
            }
            self.on_given_up();
        }
        // Engine.IO ends a connection whose poll was aborted. Here the next poll first gets what would
        // otherwise be lost.
        let has_something = self.next.is_some() || self.in_flight.is_some() || self.handle.has_waiting();
        if self.disconnect_at.take().is_some() && !has_something {
            let _ = poll.send(PollResponse::RequestError);
            return self.handle.abort();
        }
        self.poll = Some(poll);
        self.poll_since = Instant::now();
        if self.upgrading.as_ref().is_some_and(|upgrading| upgrading.sender.is_closed()) {
            self.upgrading = None;
        }
    }

    /// Answers the waiting poll with the frames that are there.
    fn serve_poll(&mut self) {
        if self.in_flight.is_some() || self.socket.is_some() {
            return;
        }
        let Some(poll) = self.poll.take_if(|_| self.next.is_some()) else { return };
        let Some(frames) = self.next.take() else { return };
        let (taken, is_taken) = oneshot::channel();
        let payload = Bytes::from(from_frames(&frames));
        match poll.send(PollResponse::Payload { payload, taken }) {
            Ok(()) => self.in_flight = Some((frames, is_taken)),
            Err(_) => {
                self.next = Some(frames);
                self.client_missing();
            }
        }
    }

    /// Answers the waiting poll with a packet that may be lost. The receiver completes when the server writes
    /// it.
    fn release_poll(&mut self, packet: &'static str) -> oneshot::Receiver<()> {
        let (taken, is_taken) = oneshot::channel();
        if let Some(poll) = self.poll.take() {
            let _ =
                poll.send(PollResponse::Payload { payload: Bytes::from_static(packet.as_bytes()), taken });
        }
        is_taken
    }

    /// Tells the client that the connection ends, and waits for that within a bound: a server that shuts down
    /// waits for this task only.
    async fn finish_closing(&mut self) {
        let close_state = self.handle.close_state();
        if let (Some(socket), Some(CloseState::Closed | CloseState::Left)) = (self.socket.take(), close_state)
        {
            let reason = self.handle.close_reason();
            let closed = async {
                // If the channel stays full, the client does not read; dropping the channel aborts the
                // WebSocket.
                let _ = socket.send(ToSocket::Close(reason)).await;
                while !matches!(self.control.recv().await, Some(Control::Break) | None) {}
            };
            let _ = timeout(self.close_timeout, closed).await;
        } else if close_state == Some(CloseState::Left) {
            if self.poll.is_none()
                && let Ok(Some(Control::Poll(poll))) = timeout(RACE, self.control.recv()).await
            {
                self.poll = Some(poll);
            }
            let _ = timeout(self.close_timeout, self.release_poll(NOOP)).await;
        } else if !self.client_reconnects() {
            let _ = timeout(self.close_timeout, self.release_poll(CLOSE)).await;
        }
    }
}

async fn until_taken(in_flight: &mut Option<(Bytes, oneshot::Receiver<()>)>) -> bool {
    match in_flight {
        Some((_, taken)) => taken.await.is_ok(),
        None => std::future::pending().await,
    }
}

async fn until_given_up(poll: &mut Option<oneshot::Sender<PollResponse>>) {
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
