//! From what is known of the parts to a state and a sentence for each.

use std::time::Duration;

use crate::bus::BusConnection;
use crate::db::node_liveness::SILENT_AFTER;
use crate::db::{DbHealth, ProbeFailure, ProbeStep};
use crate::hub::HubProbe;
use crate::ids::NodeId;
use crate::nodes::{BEAT, SeenNode};
use crate::telemetry::LastRound;

use super::{NodeHealth, Part, PartHealth, State};

/// A node that has been silent for this long has missed more than one heartbeat.
const MISSED_AFTER: Duration = Duration::from_secs(2 * BEAT.as_secs() + 1);

/// So many rounds late, and this much besides, the sweeper is taken to hang.
const LATE_ROUNDS: u32 = 3;
const LATE_BESIDES: Duration = Duration::from_secs(60);

/// What is known of the parts.
pub(super) struct Seen {
    pub(super) database: DbHealth,
    /// Writes that may wait; further ones are refused.
    pub(super) max_waiting: usize,
    pub(super) hub: HubProbe,
    /// Whether this server does what one on the database should do.
    pub(super) leads: bool,
    pub(super) sweeps: LastRound,
    pub(super) sweep_interval: Duration,
    /// Rows that the sweeper could not settle.
    pub(super) unsettled: usize,
    pub(super) bus: Option<BusConnection>,
    /// Whether others' commits are not heard, and therefore no live connections admitted.
    pub(super) is_cut_off: bool,
    /// Whether this server is on the list of servers, where there is one.
    pub(super) is_listed: bool,
    /// How many other servers live; `None` if that could not be read.
    pub(super) others: Option<usize>,
    /// How far behind others' commits this server is at most.
    pub(super) behind: Option<Duration>,
}

/// A state and its sentence; the rest is added where it is known.
fn verdict(part: Part, state: State, because: impl Into<String>) -> PartHealth {
    PartHealth { part, state, because: because.into(), since: None, last: None }
}

impl PartHealth {
    fn since(self, since: Option<Duration>) -> Self {
        Self { since, ..self }
    }

    fn last(self, last: Option<Duration>) -> Self {
        Self { last, ..self }
    }
}

impl Seen {
    /// All parts; `nodes` are the servers on the database, `None` if there is one alone, an error if they could not be
    /// read.
    pub(super) fn parts(&self, nodes: Result<Option<&[SeenNode]>, ()>) -> Vec<PartHealth> {
        vec![
            self.writer(),
            self.database(),
            self.hub(),
            self.sweeper(),
            self.bus(matches!(nodes, Ok(None))),
            self.nodes(nodes),
        ]
    }

    fn writer(&self) -> PartHealth {
        let db = &self.database;
        let of = |state, because: &str| verdict(Part::Writer, state, because).last(db.last_commit);
        let since_probe = |part: PartHealth| part.since(db.probes_fail_for);
        match db.probe {
            Err(ProbeFailure { step: ProbeStep::Write, timed_out: true }) => {
                since_probe(of(State::Down, "The readiness probe's write was not committed in time."))
            }
            Err(ProbeFailure { step: ProbeStep::Write, timed_out: false }) => since_probe(of(
                State::Down,
                "The readiness probe could not commit a write; the server's log says why.",
            )),
            Err(ProbeFailure { step: ProbeStep::Read, .. }) if db.writes_fail_for.is_some() => {
                of(State::Down, "Writes fail; the server's log says why.").since(db.writes_fail_for)
            }
            Err(ProbeFailure { step: ProbeStep::Read, .. }) => since_probe(of(
                State::Degraded,
                "Not known: the readiness probe could not read, and did not try to write.",
            )),
            Ok(()) if db.writes_fail_for.is_some() => {
                of(State::Degraded, "The readiness probe commits, but a write has failed since.")
                    .since(db.writes_fail_for)
            }
            Ok(()) => {
                let waiting = db.commit_waiting;
                let most = self.max_waiting as u64;
                match waiting > most / 2 {
                    true => of(
                        State::Degraded,
                        &format!("{waiting} writes wait for their commit; from {most} on they are refused."),
                    ),
                    false => of(State::Ok, &format!("Writes are committed; waiting: {waiting}.")),
                }
            }
        }
    }

    fn database(&self) -> PartHealth {
        let db = &self.database;
        let of = |state, because: &str| verdict(Part::Database, state, because);
        match db.probe {
            Err(ProbeFailure { step: ProbeStep::Read, timed_out: true }) => {
                of(State::Down, "The readiness probe got no answer in time.").since(db.probes_fail_for)
            }
            Err(ProbeFailure { step: ProbeStep::Read, timed_out: false }) => of(
                State::Down,
                "The readiness probe could not read the schema, or found another one than this server needs; the \
                 server's log says which.",
            )
            .since(db.probes_fail_for),
            _ if db.reads_fail_for.is_some() => {
                of(State::Degraded, "The readiness probe is answered, but a read has failed since.")
                    .since(db.reads_fail_for)
            }
            Err(ProbeFailure { step: ProbeStep::Write, .. }) => {
                of(State::Degraded, "Reads are answered, but writes are not committed.")
                    .since(db.probes_fail_for)
            }
            Ok(()) => of(
                State::Ok,
                &format!(
                    "Reads are answered, and the schema is the expected one; waiting for a connection: {}.",
                    db.connection_waiting
                ),
            ),
        }
    }

    fn hub(&self) -> PartHealth {
        let HubProbe { is_running, answers, workers, silent_workers, slowest, .. } = self.hub;
        let of = |state, because: &str| verdict(Part::Hub, state, because);
        if !is_running {
            return of(State::Down, "The room hub has stopped: no event is delivered.");
        }
        if !answers {
            return of(State::Down, "The room hub does not answer, or its mailbox is full: events are late.");
        }
        let because =
            format!("{silent_workers} of {workers} workers do not answer, or their mailboxes are full.");
        match silent_workers {
            0 => {
                let millis = slowest.as_millis() + 1;
                let because = match workers {
                    0 => format!("The room hub answers within {millis} ms; nobody has connected yet."),
                    _ => {
                        format!("The room hub answers within {millis} ms, and so do the workers: {workers}.")
                    }
                };
                of(State::Ok, &because)
            }
            silent if silent == workers => of(State::Down, &because),
            _ => of(State::Degraded, &because),
        }
    }

    fn sweeper(&self) -> PartHealth {
        let LastRound { began, last } = self.sweeps;
        let ended = last.map(|(ended, _)| ended);
        let of = |state, because: &str| verdict(Part::Sweeper, state, because).last(ended);
        let late = self.sweep_interval * LATE_ROUNDS + LATE_BESIDES;
        if !self.leads {
            let (state, because) = match self.others {
                Some(0) => (State::Degraded, "This server does not lead at present, and there is no other."),
                Some(_) => (State::NotUsed, "Another server leads, and sweeps for all of them."),
                None => (State::Degraded, "This server does not lead; whether another does is not known."),
            };
            return verdict(Part::Sweeper, state, because);
        }
        if let Some(began) = began.filter(|began| *began > late) {
            return of(State::Down, "The last round does not end.").since(Some(began));
        }
        match last {
            None => of(State::Ok, "The first round has not ended yet."),
            Some((_, round)) if round.is_cut_short => of(
                State::Degraded,
                "An error has ended the last round early; the server's log says which, and the next round tries again.",
            ),
            Some(_) if self.unsettled > 0 => of(
                State::Degraded,
                &format!(
                    "Due rows that could not be settled: {}; the server's log says why.",
                    self.unsettled
                ),
            ),
            Some((_, round)) => of(
                State::Ok,
                &format!(
                    "Due rows settled in the last round: {}; old rows deleted: {}.",
                    round.settled, round.deleted
                ),
            ),
        }
    }

    fn bus(&self, is_alone: bool) -> PartHealth {
        let of = |state, because: &str| verdict(Part::Bus, state, because);
        let waiting = self.hub.waiting_for_bus;
        match self.bus {
            None if is_alone => of(State::NotUsed, "A server alone on its database needs none."),
            None => of(
                State::NotUsed,
                "No Redis is configured: servers hear of each other by the database alone.",
            ),
            Some(bus) if bus.is_connected => {
                of(State::Ok, &format!("Redis is connected; messages that wait for it: {waiting}."))
                    .since(Some(bus.lasts_for))
            }
            Some(bus) => {
                let why = bus.last_error.unwrap_or("it has not answered yet");
                let because = format!(
                    "Redis is not connected ({why}) and is tried again: servers hear of each other by the database \
                     alone."
                );
                let state = if bus.last_error.is_some() { State::Down } else { State::Degraded };
                of(state, &because).since(Some(bus.lasts_for))
            }
        }
    }

    fn nodes(&self, nodes: Result<Option<&[SeenNode]>, ()>) -> PartHealth {
        let of = |state, because: &str| verdict(Part::Nodes, state, because).last(self.behind);
        match nodes {
            Ok(None) => verdict(Part::Nodes, State::NotUsed, "A SQLite file has one server: this one."),
            _ if self.is_cut_off => of(
                State::Down,
                "What other servers commit is not heard here: live connections are closed, and none is admitted.",
            ),
            Err(()) => of(State::Degraded, "The list of servers could not be read."),
            Ok(Some(_)) if !self.is_listed => of(
                State::Degraded,
                "This server is not on the list of servers; it enters itself again with its next heartbeat.",
            ),
            Ok(Some(nodes)) => {
                let missed = nodes.iter().filter(|node| node.silent_for > MISSED_AFTER).count();
                let all = nodes.len();
                match missed {
                    0 => of(State::Ok, &format!("Every server says that it lives; servers: {all}.")),
                    _ => of(
                        State::Degraded,
                        &format!("Servers that have missed heartbeats: {missed} of {all}."),
                    ),
                }
            }
        }
    }
}

/// How a node is; `is_shared` if other servers hear whether it lives.
pub(super) fn node(node: &SeenNode, this: NodeId, is_shared: bool) -> NodeHealth {
    let silent_for = is_shared.then_some(node.silent_for);
    let (state, because) = match silent_for {
        None => (State::Ok, "It answers."),
        Some(silent) if silent > SILENT_AFTER => (
            State::Down,
            "It is silent: it was killed, or is cut off from the database. Its connections do not count, and it is \
             forgotten soon.",
        ),
        Some(silent) if silent > MISSED_AFTER => (State::Degraded, "It has missed heartbeats."),
        Some(_) => (State::Ok, "It says that it lives."),
    };
    NodeHealth {
        id: node.id,
        is_current: node.id == this,
        state,
        because,
        started_at: node.id.made_at(),
        silent_for,
    }
}
