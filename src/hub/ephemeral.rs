//! Notices that are not stored: who is not there, or does not keep up, does not get them later.

use serde::{Deserialize, Serialize};

use crate::ids::{Room, SimulationId, UserId};
use crate::protocol::{
    BoardClient, MetricsSnapshot, Notice, PartialEstimates, RecordedFrames, SignalData, TaskFocus, Topic,
};

use super::{Delivery, LatestKey};

/// A notice for the members of a room that is not stored. The serialized form is what nodes tell each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ephemeral {
    /// A user is typing.
    Typing {
        /// The room where the user is typing.
        room: Room,
        /// The user who is typing.
        by: UserId,
    },
    /// A user tells a value of which only the newest counts.
    Signal {
        /// The room.
        room: Room,
        /// The user who tells it.
        by: UserId,
        /// What it is about.
        topic: Topic,
        /// The value.
        data: SignalData,
    },
    /// What a member of a board looks at or edits.
    Focus {
        /// The board's room.
        room: Room,
        /// Who, and which task.
        focus: TaskFocus,
    },
    /// A client opened a board.
    ClientJoined(BoardClient),
    /// A client closed a board.
    ClientLeft(BoardClient),
    /// How far a simulation is.
    Progress {
        /// The simulation.
        simulation: SimulationId,
        /// Runs that are computed.
        done: u32,
        /// All runs.
        total: u32,
        /// What the runs so far bring, once there are two.
        estimates: Option<PartialEstimates>,
    },
    /// What this server is doing.
    #[serde(skip)]
    Metrics(Box<MetricsSnapshot>),
    /// What a connection of this server sends and is sent.
    #[serde(skip)]
    Frames(Box<RecordedFrames>),
}

impl Ephemeral {
    /// The room whose members get it.
    pub(super) fn room(&self) -> Room {
        match self {
            Self::Typing { room, .. } | Self::Signal { room, .. } | Self::Focus { room, .. } => room.clone(),
            Self::ClientJoined(client) | Self::ClientLeft(client) => Room::Project(client.project_id),
            Self::Progress { simulation, .. } => Room::Simulation(*simulation),
            Self::Metrics(_) => Room::Metrics,
            Self::Frames(frames) => Room::Recorder(frames.connection_id),
        }
    }

    /// Whether members on other nodes get it, too.
    pub(super) fn crosses_nodes(&self) -> bool {
        !matches!(self, Self::Metrics(_) | Self::Frames(_))
    }

    /// What may happen to it while a client does not keep up.
    pub(super) fn delivery(&self) -> Delivery {
        let room = self.room();
        match self {
            // Frames are numbered: who watches sees which are missing.
            Self::Typing { .. } | Self::Frames(_) => Delivery::Droppable,
            Self::Signal { by, topic, .. } => Delivery::Latest(LatestKey::signal(room, *by, topic.clone())),
            Self::Focus { focus, .. } => Delivery::Latest(LatestKey::focus(room, focus.session_id)),
            Self::ClientJoined(client) | Self::ClientLeft(client) => {
                Delivery::Latest(LatestKey::client(room, client.user_id, client.client_id.clone()))
            }
            Self::Progress { .. } | Self::Metrics(_) => Delivery::Latest(LatestKey::progress(room)),
        }
    }

    /// As members receive it.
    pub(super) fn into_notice(self) -> Notice {
        match self {
            Self::Typing { room, by } => Notice::Typing { room, by },
            Self::Signal { room, by, topic, data } => Notice::Signal { room, by, topic, data },
            Self::Focus { room, focus } => Notice::Focus { room, focus },
            Self::ClientJoined(client) => Notice::ClientJoined(client),
            Self::ClientLeft(client) => Notice::ClientLeft(client),
            Self::Progress { simulation, done, total, estimates } => {
                Notice::SimulationProgress { simulation_id: simulation, done, total, estimates }
            }
            Self::Metrics(snapshot) => Notice::Metrics(snapshot),
            Self::Frames(frames) => Notice::Frames(frames),
        }
    }
}
