use super::verdicts::{Seen, node};
use super::*;

use crate::bus::BusConnection;
use crate::db::{DbHealth, ProbeFailure, ProbeStep};
use crate::hub::HubProbe;
use crate::telemetry::{LastRound, Round};

const SECOND: Duration = Duration::from_secs(1);

/// All is well.
fn seen() -> Seen {
    let round = Round { settled: 3, deleted: 0, is_cut_short: false };
    Seen {
        database: DbHealth {
            probe: Ok(()),
            probes_fail_for: None,
            reads_fail_for: None,
            writes_fail_for: None,
            last_commit: Some(SECOND),
            connection_waiting: 0,
            commit_waiting: 2,
        },
        max_waiting: 100,
        hub: HubProbe {
            is_running: true,
            answers: true,
            workers: 2,
            silent_workers: 0,
            slowest: SECOND / 1000,
            waiting_for_bus: 0,
        },
        leads: true,
        sweeps: LastRound { began: Some(SECOND), last: Some((SECOND, round)) },
        sweep_interval: 30 * SECOND,
        unsettled: 0,
        bus: Some(BusConnection { is_connected: true, lasts_for: 9 * SECOND, last_error: None }),
        is_cut_off: false,
        is_listed: true,
        others: Some(1),
        behind: Some(SECOND / 20),
    }
}

fn node_silent_for(silent_for: Duration) -> SeenNode {
    SeenNode { id: NodeId::new(Timestamp::EPOCH), silent_for }
}

/// The state of a part after `change`, on a database with one server more.
fn state(part: Part, change: impl FnOnce(&mut Seen)) -> State {
    part_of(part, change, Ok(Some(&[node_silent_for(SECOND)]))).state
}

fn part_of(part: Part, change: impl FnOnce(&mut Seen), nodes: Result<Option<&[SeenNode]>, ()>) -> PartHealth {
    let mut seen = seen();
    change(&mut seen);
    let parts = seen.parts(nodes);
    assert_eq!(parts.iter().map(|part| part.part).collect::<Vec<_>>(), Part::ALL, "each once, in order");
    parts.into_iter().find(|found| found.part == part).unwrap()
}

fn fails(step: ProbeStep, timed_out: bool) -> impl FnOnce(&mut Seen) {
    move |seen| {
        seen.database.probe = Err(ProbeFailure { step, timed_out });
        seen.database.probes_fail_for = Some(7 * SECOND);
    }
}

#[test]
fn what_does_its_work_is_ok() {
    for part in Part::ALL {
        let found = part_of(part, |_| {}, Ok(Some(&[node_silent_for(SECOND)])));
        assert_eq!(found.state, State::Ok, "{found:?}");
        assert!(found.because.ends_with('.') && !found.because.is_empty());
    }
    let alone = |part| part_of(part, |seen| seen.bus = None, Ok(None)).state;
    assert_eq!((alone(Part::Bus), alone(Part::Nodes)), (State::NotUsed, State::NotUsed));
    assert_eq!(state(Part::Bus, |seen| seen.bus = None), State::NotUsed);
    assert_eq!(state(Part::Sweeper, |seen| seen.leads = false), State::NotUsed);
    for others in [Some(0), None] {
        let nobody_leads = |seen: &mut Seen| (seen.leads, seen.others) = (false, others);
        assert_eq!(state(Part::Sweeper, nobody_leads), State::Degraded, "{others:?}");
    }
    assert_eq!(state(Part::Nodes, |seen| seen.is_listed = false), State::Degraded);
}

#[test]
fn a_probe_that_fails_says_whether_reads_or_writes_do() {
    for timed_out in [true, false] {
        let write = || fails(ProbeStep::Write, timed_out);
        assert_eq!(state(Part::Writer, write()), State::Down);
        assert_eq!(state(Part::Database, write()), State::Degraded);
        let read = || fails(ProbeStep::Read, timed_out);
        assert_eq!(state(Part::Database, read()), State::Down);
        assert_eq!(state(Part::Writer, read()), State::Degraded, "it was not tried");
        let both = move |seen: &mut Seen| {
            read()(seen);
            seen.database.writes_fail_for = Some(SECOND);
        };
        assert_eq!(state(Part::Writer, both), State::Down);
    }
    let writer = part_of(Part::Writer, fails(ProbeStep::Write, true), Ok(None));
    assert_eq!((writer.since, writer.last), (Some(7 * SECOND), Some(SECOND)));
    assert_eq!(state(Part::Writer, |seen| seen.database.writes_fail_for = Some(SECOND)), State::Degraded);
    assert_eq!(state(Part::Database, |seen| seen.database.reads_fail_for = Some(SECOND)), State::Degraded);
    assert_eq!(state(Part::Writer, |seen| seen.database.commit_waiting = 50), State::Ok);
    assert_eq!(state(Part::Writer, |seen| seen.database.commit_waiting = 51), State::Degraded);
}

#[test]
fn a_hub_that_does_not_answer_is_told_by_how_much_of_it() {
    assert_eq!(state(Part::Hub, |seen| seen.hub.is_running = false), State::Down);
    assert_eq!(state(Part::Hub, |seen| seen.hub.answers = false), State::Down);
    assert_eq!(state(Part::Hub, |seen| seen.hub.silent_workers = 1), State::Degraded);
    assert_eq!(state(Part::Hub, |seen| seen.hub.silent_workers = 2), State::Down);
    assert_eq!(state(Part::Hub, |seen| seen.hub.workers = 0), State::Ok, "nobody has connected yet");
}

#[test]
fn a_sweeper_that_hangs_or_fails_is_told() {
    let began = |began| move |seen: &mut Seen| seen.sweeps.began = Some(began);
    assert_eq!(state(Part::Sweeper, began(150 * SECOND)), State::Ok);
    assert_eq!(state(Part::Sweeper, began(151 * SECOND)), State::Down);
    assert_eq!(state(Part::Sweeper, |seen| seen.sweeps = LastRound::default()), State::Ok);
    assert_eq!(state(Part::Sweeper, |seen| seen.unsettled = 1), State::Degraded);
    let cut_short = Round { settled: 0, deleted: 0, is_cut_short: true };
    let cut_short = |seen: &mut Seen| seen.sweeps.last = Some((SECOND, cut_short));
    assert_eq!(state(Part::Sweeper, cut_short), State::Degraded);
}

#[test]
fn a_bus_that_is_away_says_why_and_since_when() {
    let away = |last_error| {
        move |seen: &mut Seen| {
            seen.bus = Some(BusConnection { is_connected: false, lasts_for: SECOND, last_error });
        }
    };
    assert_eq!(state(Part::Bus, away(None)), State::Degraded, "it is being connected to");
    let bus = part_of(Part::Bus, away(Some("no answer in time")), Ok(None));
    assert_eq!((bus.state, bus.since), (State::Down, Some(SECOND)));
    assert!(bus.because.contains("(no answer in time)"), "{}", bus.because);
}

#[test]
fn a_node_that_falls_silent_is_told_before_and_after_it_counts_no_more() {
    let this = NodeId::new(Timestamp::EPOCH);
    for (silent, expected) in
        [(5_000, State::Ok), (5_001, State::Degraded), (10_000, State::Degraded), (10_001, State::Down)]
    {
        let silent = node_silent_for(Duration::from_millis(silent));
        let found = node(&silent, this, true);
        assert_eq!((found.state, found.is_current), (expected, false));
        assert_eq!(found.silent_for, Some(silent.silent_for));
        let all = part_of(Part::Nodes, |_| {}, Ok(Some(&[silent])));
        assert_eq!(all.state, if expected == State::Ok { State::Ok } else { State::Degraded });
    }
    let alone = node(&SeenNode { id: this, silent_for: Duration::ZERO }, this, false);
    assert_eq!((alone.state, alone.is_current, alone.silent_for), (State::Ok, true, None));
    assert_eq!(alone.started_at, Some(Timestamp::EPOCH));
    assert_eq!(part_of(Part::Nodes, |_| {}, Err(())).state, State::Degraded);
    assert_eq!(state(Part::Nodes, |seen| seen.is_cut_off = true), State::Down);
}
