//! Delivers the outbox of a polling connection: to the next poll, or after an upgrade to the thread of the
//! WebSocket. Waits for inputs; what they change is decided by the [`StateMachine`].

use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::time::{Instant, sleep_until, timeout};
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};

use crate::hub::{Outbox, OutboxStream};
use crate::protocol::engineio::NOOP;
use crate::realtime::connection::ConnectionHandle as _;

use super::control::{Control, ToSocket};
use super::polling_handle::{CloseState, PollingHandle};
use super::polling_machine::{Farewell, Input, RACE, StateMachine, Step};
use super::polling_state::{PollState, State};

pub(super) struct PollingConnection {
    machine: StateMachine,
    outbox: OutboxStream,
    control: mpsc::Receiver<Control>,
    handle: Rc<PollingHandle>,
    close_timeout: Duration,
    _over: oneshot::Sender<()>,
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
            machine: StateMachine::new(close_timeout),
            outbox: waiting,
            control,
            handle: handle.clone(),
            close_timeout,
            _over: done,
        };
        (polling, handle, is_done_signal)
    }

    /// Runs until the connection has ended.
    pub(super) async fn run(mut self) {
        loop {
            let input = self.next_input().await;
            match self.machine.on(input, Instant::now(), self.handle.queued_bytes()) {
                Step::Continue => {}
                Step::Finish => break,
                Step::Abort => {
                    self.handle.abort();
                    break;
                }
            }
        }
        self.finish().await;
    }

    async fn next_input(&mut self) -> Input {
        let takes_control = self.machine.takes_control();
        let takes_frames = self.machine.takes_frames();
        let deadline = self.machine.deadline();
        tokio::select! {
            biased;
            close = self.handle.closing() => Input::Closing(close, self.handle.close_reason()),
            input = transport_input(&mut self.machine) => input,
            control = self.control.recv(), if takes_control => Input::Control(control.unwrap_or(Control::Break)),
            frames = self.outbox.next(), if takes_frames => frames.map_or(Input::Drained, Input::Frames),
            () = until(deadline) => Input::Deadline,
        }
    }

    /// Tells the client that the connection ends, and waits for that within a bound: a server that shuts down
    /// waits for this task only.
    async fn finish(mut self) {
        let close = self.handle.close_state().unwrap_or(CloseState::Aborted);
        let reason = self.handle.close_reason();
        match self.machine.into_farewell(close, reason) {
            Farewell::Nothing => {}
            Farewell::Answer(reply, packet) => drop(timeout(self.close_timeout, reply.answer(packet)).await),
            Farewell::AwaitPoll => {
                if let Ok(Some(Control::Poll(reply))) = timeout(RACE, self.control.recv()).await {
                    let _ = timeout(self.close_timeout, reply.answer(NOOP)).await;
                }
            }
            Farewell::CloseSocket(socket) => {
                let closed = async {
                    // If the channel stays full, the client does not read; dropping the channel aborts the
                    // WebSocket.
                    let _ = socket.send(ToSocket::Close(reason)).await;
                    while !matches!(self.control.recv().await, Some(Control::Break) | None) {}
                };
                let _ = timeout(self.close_timeout, closed).await;
            }
        }
        self.handle.abort();
    }
}

/// Waits for the poll or the WebSocket that the client's frames go to.
async fn transport_input(machine: &mut StateMachine) -> Input {
    let has_frames = machine.has_frames();
    match &mut machine.state {
        State::Polling {
            poll: PollState::Waiting { reply, .. } | PollState::Contested { first: reply, .. },
            ..
        } => {
            reply.aborted().await;
            Input::PollAborted
        }
        State::Polling { poll: PollState::Answering { taken, .. }, .. } => match taken.await {
            Ok(()) => Input::AnswerTaken,
            Err(_) => Input::PollAborted,
        },
        State::Upgraded { socket } if has_frames => {
            let _ = socket.reserve().await;
            Input::SocketReady
        }
        State::Polling { poll: PollState::Idle | PollState::Missing { .. }, .. } | State::Upgraded { .. } => {
            std::future::pending().await
        }
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
