//! What requests, the WebSocket of an upgrade and the `PollingConnection` send each other across threads.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::protocol::close::CloseReason;

/// Messages from requests to a `PollingConnection`.
#[derive(Debug)]
pub(super) enum Control {
    /// A poll waits for packets.
    Poll(PollReply),
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
    /// `taken` completes when the server takes the payload to write it.
    Payload {
        payload: Bytes,
        taken: oneshot::Sender<()>,
    },
    RequestError,
}

/// Answers one poll. If it is dropped, the poll learns that its session is unknown.
#[derive(Debug)]
pub(super) struct PollReply(oneshot::Sender<PollResponse>);

/// Messages to the thread of the WebSocket.
#[derive(Debug)]
pub(super) enum ToSocket {
    Frames(Bytes),
    Close(Option<CloseReason>),
}

impl PollReply {
    pub(super) fn new() -> (Self, oneshot::Receiver<PollResponse>) {
        let (reply, response) = oneshot::channel();
        (Self(reply), response)
    }

    /// Answers with packets. The receiver completes when the server takes them to write them; it fails if the
    /// poll was aborted before that.
    pub(super) fn answer(self, payload: impl Into<Bytes>) -> oneshot::Receiver<()> {
        let (taken, is_taken) = oneshot::channel();
        let _ = self.0.send(PollResponse::Payload { payload: payload.into(), taken });
        is_taken
    }

    /// Answers that the request is an error.
    pub(super) fn refuse(self) {
        let _ = self.0.send(PollResponse::RequestError);
    }

    /// Completes when the client has aborted the poll.
    pub(super) async fn aborted(&mut self) {
        self.0.closed().await;
    }
}
