//! What each input changes in the [`State`] of a polling connection, and what follows.
//!
//! Nothing here waits or looks at a clock; `PollingConnection` does both.

use std::mem;
use std::time::Duration;

use actix_web::rt::time::Instant;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::protocol::close::{CloseReason, Reconnect};
use crate::protocol::engineio::{CLOSE, NOOP, from_frames};

use super::control::{Control, PollReply, ToSocket};
use super::polling_handle::CloseState;
use super::polling_state::{Lifecycle, PollState, State, Upgrade};

/// Requests that a client sends one after the other may arrive on different threads out of order, by about
/// this much. A second concurrent poll is an error unless the first is aborted within this time; and a poll
/// may arrive this much after the `close` packet that it is meant to be answered for.
pub(super) const RACE: Duration = Duration::from_millis(50);

/// What a polling connection waits for.
#[derive(Debug)]
pub(super) enum Input {
    /// A message of a request.
    Control(Control),
    /// Frames taken out of the outbox.
    Frames(Bytes),
    /// The outbox has ended and is empty.
    Drained,
    /// The answer to the poll is being written.
    AnswerTaken,
    /// The client has aborted the first of its polls.
    PollAborted,
    /// The WebSocket can take frames, or has ended.
    SocketReady,
    /// Either side has begun to close the connection.
    Closing(CloseState, Option<CloseReason>),
    /// The time of [`StateMachine::deadline`] has come.
    Deadline,
}

/// What follows from an input.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Step {
    Continue,
    /// The connection ends with [`StateMachine::into_farewell`].
    Finish,
    /// The connection must be aborted.
    Abort,
}

/// How the client is told that the connection has ended.
#[derive(Debug)]
pub(super) enum Farewell {
    Nothing,
    /// The waiting poll is answered with this packet.
    Answer(PollReply, &'static str),
    /// A poll that may still arrive is answered with `noop`.
    AwaitPoll,
    /// The WebSocket is closed.
    CloseSocket(mpsc::Sender<ToSocket>),
}

pub(super) struct StateMachine {
    pub(super) state: State,
    /// Frames taken out of the outbox, or returned because a poll did not take them: the client has none of
    /// these bytes. Empty if there are none.
    frames: Bytes,
    lifecycle: Lifecycle,
    /// How long a client may be missing, and how long the server waits for the client when it closes.
    close_timeout: Duration,
}

impl StateMachine {
    pub(super) fn new(close_timeout: Duration) -> Self {
        let state = State::Polling { poll: PollState::Idle, upgrade: Upgrade::None };
        Self { state, frames: Bytes::new(), lifecycle: Lifecycle::Open, close_timeout }
    }

    /// `queued` is the number of bytes in the outbox.
    pub(super) fn on(&mut self, input: Input, now: Instant, queued: usize) -> Step {
        let step = match input {
            Input::Control(control) => self.on_control(control, now, queued),
            Input::Frames(frames) => self.on_frames(frames),
            Input::Drained => self.on_drained(),
            Input::AnswerTaken => self.on_answer_taken(),
            Input::PollAborted => self.on_poll_aborted(now, queued),
            Input::SocketReady => self.on_socket_ready(),
            Input::Closing(close, reason) => self.on_closing(close, reason, now),
            Input::Deadline => self.on_deadline(now),
        };
        if step == Step::Continue && self.has_delivered_everything() { Step::Finish } else { step }
    }

    /// Whether messages of requests can be handled. Until an answer is written, or one of two polls turns out
    /// to be aborted, they wait in their channel.
    pub(super) fn takes_control(&self) -> bool {
        let is_busy = matches!(
            self.state,
            State::Polling { poll: PollState::Answering { .. } | PollState::Contested { .. }, .. }
        );
        !is_busy
    }

    /// Whether frames should be taken out of the outbox: only if something can take them, because only the
    /// outbox is bounded.
    pub(super) fn takes_frames(&self) -> bool {
        let has_taker = match (&self.lifecycle, &self.state) {
            (Lifecycle::Closing { is_drained, .. }, _) => !is_drained,
            (Lifecycle::Open, State::Polling { poll, .. }) => matches!(poll, PollState::Waiting { .. }),
            (Lifecycle::Open, State::Upgraded { .. }) => true,
        };
        has_taker && !self.has_frames()
    }

    pub(super) fn has_frames(&self) -> bool {
        !self.frames.is_empty()
    }

    /// When [`Input::Deadline`] is due, unless another input comes first.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.state.ends_at().into_iter().chain(self.lifecycle.ends_at()).min()
    }

    /// How to tell the client of the end.
    pub(super) fn into_farewell(self, close: CloseState, reason: Option<CloseReason>) -> Farewell {
        match (self.state, close) {
            (State::Upgraded { socket }, CloseState::Closed | CloseState::Left) => {
                Farewell::CloseSocket(socket)
            }
            (State::Upgraded { .. }, CloseState::Aborted) => Farewell::Nothing,
            (State::Polling { poll, .. }, CloseState::Left) => {
                poll.into_reply().map_or(Farewell::AwaitPoll, |reply| Farewell::Answer(reply, NOOP))
            }
            (State::Polling { .. }, _) if client_reconnects(reason) => Farewell::Nothing,
            (State::Polling { poll, .. }, CloseState::Closed | CloseState::Aborted) => {
                poll.into_reply().map_or(Farewell::Nothing, |reply| Farewell::Answer(reply, CLOSE))
            }
        }
    }

    fn on_control(&mut self, control: Control, now: Instant, queued: usize) -> Step {
        match control {
            Control::Poll(reply) => return self.on_poll(reply, now, queued),
            Control::Upgrade(reply) => self.on_upgrade(reply),
            Control::Probed => self.on_probed(now),
            Control::Upgraded => self.on_upgraded(),
            Control::Break => return Step::Abort,
        }
        Step::Continue
    }

    fn on_poll(&mut self, reply: PollReply, now: Instant, queued: usize) -> Step {
        let State::Polling { poll, upgrade } = &mut self.state else {
            reply.refuse();
            return Step::Continue;
        };
        *poll = match mem::take(poll) {
            // Engine.IO ends a connection whose poll was aborted. Here the next poll first gets what would
            // otherwise be lost.
            PollState::Missing { .. } if self.frames.is_empty() && queued == 0 => {
                reply.refuse();
                return Step::Abort;
            }
            PollState::Idle | PollState::Missing { .. } => PollState::Waiting { reply, since: now },
            PollState::Waiting { reply: first, .. } => {
                PollState::Contested { first, second: reply, until: now + RACE }
            }
            // Does not come this far: see `takes_control`.
            PollState::Contested { .. } | PollState::Answering { .. } => {
                reply.refuse();
                return Step::Abort;
            }
        };
        if upgrade.has_failed() {
            *upgrade = Upgrade::None;
        }
        self.answer_poll();
        Step::Continue
    }

    fn on_upgrade(&mut self, reply: oneshot::Sender<mpsc::Receiver<ToSocket>>) {
        if let State::Polling { upgrade, .. } = &mut self.state
            && (matches!(upgrade, Upgrade::None) || upgrade.has_failed())
        {
            let (socket, frames) = mpsc::channel(1);
            *upgrade = if reply.send(frames).is_ok() { Upgrade::Probing { socket } } else { Upgrade::None };
        }
    }

    fn on_probed(&mut self, now: Instant) {
        if let State::Polling { upgrade, .. } = &mut self.state {
            *upgrade = match mem::take(upgrade) {
                Upgrade::Probing { socket } => Upgrade::Probed { socket, since: now },
                other => other,
            };
        }
    }

    fn on_upgraded(&mut self) {
        if let State::Polling { poll, upgrade } = &mut self.state
            && let Upgrade::Probing { socket } | Upgrade::Probed { socket, .. } = mem::take(upgrade)
        {
            // Clients stop polling before they upgrade, so a poll that waits now arrived out of order.
            if let Some(reply) = mem::take(poll).into_reply() {
                reply.refuse();
            }
            self.state = State::Upgraded { socket };
        }
    }

    fn on_frames(&mut self, frames: Bytes) -> Step {
        self.frames = frames;
        self.answer_poll();
        Step::Continue
    }

    fn on_drained(&mut self) -> Step {
        match &mut self.lifecycle {
            Lifecycle::Closing { is_drained, .. } => {
                *is_drained = true;
                Step::Continue
            }
            // Only closing ends the outbox.
            Lifecycle::Open => Step::Abort,
        }
    }

    fn on_answer_taken(&mut self) -> Step {
        self.state.replace_poll(PollState::Idle);
        Step::Continue
    }

    fn on_poll_aborted(&mut self, now: Instant, queued: usize) -> Step {
        let missing = PollState::Missing { disconnect_at: now + self.close_timeout };
        match self.state.replace_poll(missing) {
            PollState::Answering { frames, .. } => {
                self.frames = [frames, mem::take(&mut self.frames)].concat().into()
            }
            PollState::Contested { second, .. } => return self.on_poll(second, now, queued),
            PollState::Idle | PollState::Waiting { .. } | PollState::Missing { .. } => {}
        }
        Step::Continue
    }

    fn on_socket_ready(&mut self) -> Step {
        let State::Upgraded { socket } = &self.state else { return Step::Continue };
        match socket.try_send(ToSocket::Frames(mem::take(&mut self.frames))) {
            Ok(()) => Step::Continue,
            Err(_) => Step::Abort,
        }
    }

    fn on_closing(&mut self, close: CloseState, reason: Option<CloseReason>, now: Instant) -> Step {
        match close {
            CloseState::Left | CloseState::Aborted => Step::Finish,
            CloseState::Closed => {
                let ends_at = now + self.close_timeout;
                self.lifecycle = Lifecycle::Closing { reason, ends_at, is_drained: false };
                Step::Continue
            }
        }
    }

    fn on_deadline(&mut self, now: Instant) -> Step {
        if self.lifecycle.ends_at().is_some_and(|ends_at| ends_at <= now) {
            return Step::Finish;
        }
        match self.state.replace_poll(PollState::Idle) {
            PollState::Waiting { reply, .. } => {
                // It carries no frames, so it may be lost.
                drop(reply.answer(NOOP));
                Step::Continue
            }
            PollState::Contested { first, second, .. } => {
                drop(first.answer(CLOSE));
                second.refuse();
                Step::Abort
            }
            PollState::Missing { .. } => Step::Abort,
            other @ (PollState::Idle | PollState::Answering { .. }) => {
                self.state.replace_poll(other);
                Step::Continue
            }
        }
    }

    /// Answers the waiting poll with the frames, if there are any.
    fn answer_poll(&mut self) {
        if let State::Polling { poll, .. } = &mut self.state
            && !self.frames.is_empty()
        {
            *poll = match mem::take(poll) {
                PollState::Waiting { reply, .. } => {
                    let taken = reply.answer(from_frames(&self.frames));
                    PollState::Answering { frames: mem::take(&mut self.frames), taken }
                }
                other => other,
            };
        }
    }

    /// Whether the server closes the connection, has delivered what waited, and can tell the client.
    fn has_delivered_everything(&self) -> bool {
        let Lifecycle::Closing { reason, is_drained: true, .. } = self.lifecycle else { return false };
        let can_finish = match &self.state {
            State::Upgraded { .. } | State::Polling { poll: PollState::Waiting { .. }, .. } => true,
            State::Polling { poll: PollState::Idle | PollState::Missing { .. }, .. } => {
                client_reconnects(reason)
            }
            State::Polling { poll: PollState::Answering { .. } | PollState::Contested { .. }, .. } => false,
        };
        can_finish && !self.has_frames()
    }
}

/// Whether the client should reconnect. Such a client is not sent `close`, after which some clients
/// (python's) do not reconnect; all reconnect when their session is unknown.
fn client_reconnects(reason: Option<CloseReason>) -> bool {
    matches!(reason.map(CloseReason::reconnect), Some(Reconnect::Now | Reconnect::Later))
}

#[cfg(test)]
#[path = "polling_machine_tests.rs"]
mod tests;
