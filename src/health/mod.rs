//! How each part of the server is, for people who operate it: what the probe behind `/readyz`, the metrics and the
//! parts themselves know, told in a sentence each. Nothing is measured here that is not known there.

#[cfg(test)]
mod tests;
mod verdicts;

use std::time::Duration;

use tokio::time::timeout;

use crate::app::App;
use crate::clock::Timestamp;
use crate::db::node_liveness::SILENT_AFTER;
use crate::ids::NodeId;
use crate::nodes::SeenNode;

use verdicts::Seen;

/// How long the hub's actors, and a read of the list of servers, may take to answer. The probe of the database has a
/// limit of its own.
const HUB_TIMEOUT: Duration = Duration::from_secs(1);
const NODES_TIMEOUT: Duration = Duration::from_secs(2);

/// A part of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Commits writes.
    Writer,
    /// Answers reads.
    Database,
    /// Delivers events to live connections.
    Hub,
    /// Settles what is due.
    Sweeper,
    /// Carries messages between servers early.
    Bus,
    /// The servers on the database.
    Nodes,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It does what it is for.
    Ok,
    /// It does so in part, or not for sure.
    Degraded,
    /// It does not.
    Down,
    /// This server has none, or does without.
    NotUsed,
}

/// How a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartHealth {
    /// The part.
    pub(crate) part: Part,
    /// Its state.
    pub(crate) state: State,
    /// Why, in a sentence.
    pub(crate) because: String,
    /// How long ago it came to be in this state, where that is known.
    pub(crate) since: Option<Duration>,
    /// How long ago it last did what it is for, where that is known.
    pub(crate) last: Option<Duration>,
}

/// How a server on the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeHealth {
    /// Its id.
    pub(crate) id: NodeId,
    /// Whether it is this one.
    pub(crate) is_current: bool,
    /// Its state.
    pub(crate) state: State,
    /// Why, in a sentence.
    pub(crate) because: &'static str,
    /// When it opened the database.
    pub(crate) started_at: Option<Timestamp>,
    /// How long ago it last said that it lives; `None` where no other server would hear it.
    pub(crate) silent_for: Option<Duration>,
}

/// How the server is.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    /// Its parts.
    pub(crate) parts: Vec<PartHealth>,
    /// The servers on its database, the oldest first; this one alone if the others are not known.
    pub(crate) nodes: Vec<NodeHealth>,
}

impl Part {
    /// All of them, in the order in which they are told.
    pub(crate) const ALL: [Self; 6] =
        [Self::Writer, Self::Database, Self::Hub, Self::Sweeper, Self::Bus, Self::Nodes];

    /// The name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Writer => "writer",
            Self::Database => "database",
            Self::Hub => "hub",
            Self::Sweeper => "sweeper",
            Self::Bus => "bus",
            Self::Nodes => "nodes",
        }
    }
}

impl State {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Ok, Self::Degraded, Self::Down, Self::NotUsed];

    /// The name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::NotUsed => "not_used",
        }
    }
}

impl Health {
    /// How the server is now. Takes a few seconds at most, whatever is down.
    pub(crate) async fn of(app: &App) -> Self {
        let (database, hub, nodes) = tokio::join!(
            app.db.health(),
            app.hub.probe(HUB_TIMEOUT),
            timeout(NODES_TIMEOUT, app.nodes.all()),
        );
        // Why it failed is logged where reads are.
        let listed = nodes.map_err(drop).and_then(|read| read.map_err(drop));
        let this = app.db.node();
        let alone = [SeenNode { id: this, silent_for: Duration::ZERO }];
        let (nodes, is_shared) = match &listed {
            Ok(Some(nodes)) => (nodes.as_slice(), true),
            Ok(None) | Err(()) => (alone.as_slice(), false),
        };
        let seen = Seen {
            database,
            max_waiting: app.config.database.database_queue,
            hub,
            leads: app.node_status.leads(),
            sweeps: app.sweeps.last(),
            sweep_interval: app.config.server.sweep_interval,
            unsettled: app.sweep_failures.outstanding(),
            bus: app.bus.as_ref().map(|bus| bus.connection()),
            is_cut_off: app.node_status.is_cut_off(),
            is_listed: !is_shared || nodes.iter().any(|node| node.id == this),
            others: listed.as_ref().ok().map(|_| others_of(nodes, this)),
            behind: app.invalidations.behind(),
        };
        Self {
            parts: seen.parts(listed.as_ref().map(Option::as_deref).map_err(|&()| ())),
            nodes: nodes.iter().map(|node| verdicts::node(node, this, is_shared)).collect(),
        }
    }
}

/// How many other nodes count as alive.
fn others_of(nodes: &[SeenNode], this: NodeId) -> usize {
    nodes.iter().filter(|node| node.id != this && node.silent_for <= SILENT_AFTER).count()
}
