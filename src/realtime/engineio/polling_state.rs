//! The states of a polling connection, as one closed enum: what exists only in one state is part of it.

use std::mem;
use std::time::Duration;

use actix_web::rt::time::Instant;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::protocol::close::CloseReason;

use super::control::{PollReply, ToSocket};

/// While a WebSocket is being probed, a poll is answered with `noop` after this long, so that the client can
/// stop polling.
const NOOP_AFTER: Duration = Duration::from_millis(50);

/// By what the client gets its frames.
#[derive(Debug)]
pub(super) enum State {
    Polling {
        poll: PollState,
        upgrade: Upgrade,
    },
    /// The WebSocket has taken over: the client may not poll any more.
    Upgraded {
        socket: mpsc::Sender<ToSocket>,
    },
}

#[derive(Debug, Default)]
pub(super) enum PollState {
    /// The client is between two polls.
    #[default]
    Idle,
    /// A poll waits for frames.
    Waiting { reply: PollReply, since: Instant },
    /// A second poll has arrived. It takes the place of the first if that turns out to be aborted.
    Contested { first: PollReply, second: PollReply, until: Instant },
    /// The answer to a poll is being written. The frames are kept until then: an aborted poll must not lose
    /// them.
    Answering { frames: Bytes, taken: oneshot::Receiver<()> },
    /// The client aborted its poll. It counts as disconnected unless it fetches what waits before this time.
    Missing { disconnect_at: Instant },
}

/// The attempt of a WebSocket to take over. It has failed if the channel is closed.
#[derive(Debug, Default)]
pub(super) enum Upgrade {
    #[default]
    None,
    Probing {
        socket: mpsc::Sender<ToSocket>,
    },
    Probed {
        socket: mpsc::Sender<ToSocket>,
        since: Instant,
    },
}

/// Whether the server closes the connection.
#[derive(Debug)]
pub(super) enum Lifecycle {
    Open,
    /// The server closes the connection, after everything in the outbox was delivered.
    Closing {
        reason: Option<CloseReason>,
        ends_at: Instant,
        is_drained: bool,
    },
}

impl State {
    /// When this state ends unless something happens before.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        match self {
            Self::Polling {
                poll: PollState::Waiting { since: waiting_since, .. },
                upgrade: Upgrade::Probed { since, .. },
            } => Some(*since.max(waiting_since) + NOOP_AFTER),
            Self::Polling { poll: PollState::Contested { until, .. }, .. } => Some(*until),
            Self::Polling { poll: PollState::Missing { disconnect_at }, .. } => Some(*disconnect_at),
            Self::Polling { .. } | Self::Upgraded { .. } => None,
        }
    }

    /// Sets the state of polling and returns the one before; after an upgrade there is none to set.
    pub(super) fn replace_poll(&mut self, new: PollState) -> PollState {
        match self {
            Self::Polling { poll, .. } => mem::replace(poll, new),
            Self::Upgraded { .. } => PollState::Idle,
        }
    }
}

impl PollState {
    /// The poll that can still be answered.
    pub(super) fn into_reply(self) -> Option<PollReply> {
        match self {
            Self::Waiting { reply, .. } | Self::Contested { second: reply, .. } => Some(reply),
            Self::Idle | Self::Answering { .. } | Self::Missing { .. } => None,
        }
    }
}

impl Upgrade {
    pub(super) fn has_failed(&self) -> bool {
        match self {
            Self::None => false,
            Self::Probing { socket } | Self::Probed { socket, .. } => socket.is_closed(),
        }
    }
}

impl Lifecycle {
    pub(super) fn ends_at(&self) -> Option<Instant> {
        match self {
            Self::Open => None,
            Self::Closing { ends_at, .. } => Some(*ends_at),
        }
    }
}
