//! Rooms without actors: workers that refuse messages, reads that finish late or fail, reports in any order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use proptest::prelude::*;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::db::{Head, MemberElsewhere, PresenceElsewhere};
use crate::events::{Envelope, RoomPresence};
use crate::hub::deliveries::Refused;
use crate::hub::message::{Contents, Departure, MembershipId, MembershipRef, RoomMessage, WorkerId};
use crate::hub::tests::support::{FakeLog, room, user};
use crate::hub::{JoinError, MembershipSpan, Relayed, RoomStart};
use crate::ids::{ConnectionId, NodeId, Room, Seq, UserId};
use crate::protocol::Dialect;

use super::output::{PAGE, Read, ReadWhat, RoomOutput};
use super::rooms::Rooms;
use crate::hub::message::Join;

const WORKERS: u32 = 2;
const CONNECTIONS: usize = 4;
const GAP: Duration = Duration::from_millis(50);

/// Workers that refuse as the test sets them, and reads that wait until the test answers them.
#[derive(Default)]
struct RecordedOutput {
    refusing: [bool; WORKERS as usize],
    /// The positions that each worker was sent, in order.
    sent: BTreeMap<u32, Vec<Seq>>,
    reads: VecDeque<Read>,
}

impl RoomOutput for RecordedOutput {
    fn deliver(&mut self, worker: WorkerId, message: RoomMessage) -> Result<(), Refused> {
        if self.refusing[worker.0 as usize] {
            return Err(Refused);
        }
        if let Contents::Event(seq) = message.contents {
            assert!(message.encoded.of(Dialect::Json).is_some(), "encoded for whoever listens");
            self.sent.entry(worker.0).or_default().push(seq);
        }
        Ok(())
    }

    fn read(&mut self, read: Read) {
        self.reads.push_back(read);
    }

    fn presence(&mut self, _: &Room, _: UserId, _: bool) {}

    fn relay(&mut self, _: impl FnOnce() -> Relayed) {}
}

/// A connection's membership, as its LocalHub would keep it.
struct Stay {
    worker: u32,
    membership: MembershipId,
    answer: oneshot::Receiver<Result<Seq, JoinError>>,
    /// How many events this worker had been sent when the connection joined.
    from: usize,
    head: Option<Seq>,
    /// The head when the connection joined; it may have joined again since.
    after: Option<Seq>,
}

struct Play {
    rooms: Rooms,
    output: RecordedOutput,
    log: FakeLog,
    room: Room,
    now: Instant,
    stays: BTreeMap<usize, Stay>,
    memberships: u64,
    /// The stays that ended: whose, the head at the join, and the last position that was sent.
    past: Vec<(usize, Seq, Seq)>,
    unreported: Vec<Envelope>,
    /// Who is in the room on other nodes, as stored; the changes that this node has not been told of yet; and what
    /// each read that waits for its answer finds, which is as old as it may be.
    elsewhere: BTreeSet<MemberElsewhere>,
    untold: VecDeque<PresenceElsewhere>,
    found: VecDeque<BTreeSet<MemberElsewhere>>,
}

#[derive(Clone, Debug)]
enum Step {
    Commit,
    Report(usize),
    Lose(usize),
    Join(usize),
    Depart(usize),
    StaleDepart(usize),
    Answer,
    Fail,
    Refuse(usize),
    Accept(usize),
    Pass(u64),
    CatchUpAll,
    /// A user comes to the room on another node, or leaves it there.
    Elsewhere {
        user: usize,
        node: usize,
        is_present: bool,
    },
    /// This node is told of the next such change.
    Tell,
    /// What it is told is lost; it reads anew.
    LoseTold,
    /// Another process, or this one, tells that the log has reached one of the last positions.
    Advance {
        back: u64,
        is_own: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Commit),
        8 => any::<usize>().prop_map(Step::Report),
        1 => any::<usize>().prop_map(Step::Lose),
        4 => (0..CONNECTIONS).prop_map(Step::Join),
        2 => (0..CONNECTIONS).prop_map(Step::Depart),
        1 => (0..CONNECTIONS).prop_map(Step::StaleDepart),
        6 => Just(Step::Answer),
        1 => Just(Step::Fail),
        1 => (0..WORKERS as usize).prop_map(Step::Refuse),
        2 => (0..WORKERS as usize).prop_map(Step::Accept),
        3 => (1..60_u64).prop_map(Step::Pass),
        1 => Just(Step::CatchUpAll),
        4 => (0..3_usize, 0..2_usize, any::<bool>())
            .prop_map(|(user, node, is_present)| Step::Elsewhere { user, node, is_present }),
        4 => Just(Step::Tell),
        1 => Just(Step::LoseTold),
        3 => (0..3_u64, any::<bool>()).prop_map(|(back, is_own)| Step::Advance { back, is_own }),
    ]
}

fn start_at(head: Seq) -> RoomStart {
    RoomStart { head, elsewhere: Vec::new() }
}

fn node(number: usize) -> NodeId {
    format!("01890a5d-ac96-774b-dddd-{number:012}").parse().unwrap()
}

fn connection(number: usize) -> ConnectionId {
    format!("01890a5d-ac96-774b-aaaa-{number:012}").parse().unwrap()
}

impl Play {
    fn new() -> Self {
        Self {
            rooms: Rooms::new(GAP),
            output: RecordedOutput::default(),
            log: FakeLog::default(),
            room: room("a"),
            now: Instant::now(),
            stays: BTreeMap::new(),
            memberships: 0,
            past: Vec::new(),
            unreported: Vec::new(),
            elsewhere: BTreeSet::new(),
            untold: VecDeque::new(),
            found: VecDeque::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Commit => self.unreported.push(self.log.commit(&self.room)),
            Step::Report(which) if !self.unreported.is_empty() => {
                let event = self.unreported.swap_remove(which % self.unreported.len());
                self.rooms.offer(event, self.now, &mut self.output);
            }
            Step::Lose(which) if !self.unreported.is_empty() => {
                self.unreported.swap_remove(which % self.unreported.len());
            }
            Step::Report(_) | Step::Lose(_) => {}
            Step::Join(number) => self.join(number),
            Step::Depart(number) => {
                if let Some(stay) = self.stays.remove(&number) {
                    let last = self.received(&stay);
                    self.past.extend(stay.after.zip(last).map(|(after, last)| (number, after, last)));
                    self.depart(number, stay.membership, last);
                }
            }
            Step::StaleDepart(number) => self.depart(number, MembershipId(0), None),
            Step::Answer => self.answer(true),
            Step::Fail => self.answer(false),
            Step::Refuse(worker) => self.output.refusing[worker] = true,
            Step::Accept(worker) => self.output.refusing[worker] = false,
            Step::Pass(milliseconds) => {
                self.now += Duration::from_millis(milliseconds);
                self.rooms.repair(self.now, &mut self.output);
            }
            Step::CatchUpAll => self.rooms.catch_up_all(&mut self.output),
            Step::Elsewhere { user: number, node: at, is_present } => {
                let member = MemberElsewhere { user: user(number), node: node(at) };
                let has_changed =
                    if is_present { self.elsewhere.insert(member) } else { self.elsewhere.remove(&member) };
                if has_changed {
                    let change = RoomPresence { room: self.room.clone(), user: member.user, is_present };
                    self.untold.push_back(PresenceElsewhere { node: member.node, change });
                }
            }
            Step::Tell => {
                if let Some(told) = self.untold.pop_front() {
                    self.rooms.present_elsewhere(told, &mut self.output);
                }
            }
            Step::LoseTold => {
                if self.untold.pop_front().is_some() {
                    self.rooms.nodes_changed(&mut self.output);
                }
            }
            Step::Advance { back, is_own } => {
                let seq = Seq(self.log.head_of(&self.room).0.saturating_sub(back));
                let head = Head { room: self.room.clone(), seq, is_own };
                self.rooms.advance(&head, self.now, &mut self.output);
            }
        }
        self.rooms.check_invariants();
        self.check_stays();
        while self.found.len() < self.output.reads.len() {
            self.found.push_back(self.elsewhere.clone());
        }
    }

    fn join(&mut self, number: usize) {
        let worker = u32::try_from(number).unwrap() % WORKERS;
        self.memberships += 1;
        let membership = MembershipId(self.memberships);
        let (reply, answer) = oneshot::channel();
        let from = self.output.sent.get(&worker).map_or(0, Vec::len);
        let after = self.stays.get(&number).and_then(|former| former.after);
        self.stays.insert(number, Stay { worker, membership, answer, from, head: None, after });
        let join = Join {
            room: self.room.clone(),
            connection: connection(number),
            user: user(number / 2),
            holder: user(number / 2),
            dialect: Dialect::Json,
            worker: WorkerId(worker),
            membership,
            reply,
        };
        self.rooms.join(join, &mut self.output);
    }

    fn depart(&mut self, number: usize, membership: MembershipId, last: Option<Seq>) {
        let membership =
            MembershipRef { connection: connection(number), room: self.room.clone(), membership };
        self.rooms.depart(&Departure { membership, last }, self.now, &mut self.output);
    }

    fn answer(&mut self, is_good: bool) {
        let Some(read) = self.output.reads.pop_front() else { return };
        let found = self.found.pop_front().unwrap_or_default();
        let elsewhere = found.into_iter().collect();
        match read.what {
            ReadWhat::Start => {
                let start = RoomStart { head: self.log.head_of(&read.room), elsewhere };
                let start = if is_good { Ok(start) } else { Err(JoinError::Unavailable) };
                self.rooms.started(&read, start, self.now, &mut self.output);
            }
            ReadWhat::Elsewhere(_) => {
                self.rooms.elsewhere_read(&read, is_good.then_some(elsewhere), &mut self.output);
            }
            ReadWhat::After(since) => {
                let events = is_good.then(|| self.log.since(&read.room, since, PAGE));
                self.rooms.events_read(&read, events, self.now, &mut self.output);
            }
        }
    }

    /// The last position that a stay was sent; `None` before its join is answered.
    fn received(&self, stay: &Stay) -> Option<Seq> {
        let sent = self.output.sent.get(&stay.worker).into_iter().flatten().skip(stay.from);
        stay.head.map(|head| sent.copied().fold(head, Seq::max))
    }

    /// Checks that the rooms tell of each position who was there, if they claim to know.
    fn check_history(&mut self) {
        for at in (1..=self.log.head_of(&self.room).0).map(Seq) {
            let told = self.rooms.present_at(&self.room, at, self.now);
            let here = self.stays.iter().filter_map(|(number, stay)| Some((*number, stay.after?, None)));
            let past = self.past.iter().map(|(number, after, until)| (*number, *after, Some(*until)));
            let spans = past.chain(here).map(|(number, after, until)| MembershipSpan {
                connection: connection(number),
                user: user(number / 2),
                after,
                until,
            });
            let mut expected: Vec<_> = spans.filter(|span| span.covers(at)).collect();
            let mut members = told.members;
            expected.sort_unstable_by_key(|span| (span.connection, span.after));
            members.sort_unstable_by_key(|span| (span.connection, span.after));
            assert_eq!(members, expected, "at {at:?}, known since {:?}", told.known_since);
        }
    }

    /// Checks that each membership got every position after its head, in order; returns the last position of
    /// each.
    fn check_stays(&mut self) -> Vec<Seq> {
        let mut refused = Vec::new();
        let mut received = Vec::new();
        for (number, membership) in &mut self.stays {
            match membership.answer.try_recv() {
                Ok(Ok(head)) => {
                    membership.head = Some(head);
                    membership.after.get_or_insert(head);
                }
                Ok(Err(_)) => refused.push(*number),
                Err(_) => {}
            }
            let Some(head) = membership.head else { continue };
            let mut last = head;
            for seq in self.output.sent.get(&membership.worker).into_iter().flatten().skip(membership.from) {
                if *seq > last {
                    assert_eq!(*seq, last.next(), "connection {number} misses one");
                    last = *seq;
                }
            }
            received.push(last);
        }
        for number in refused {
            self.stays.remove(&number);
        }
        received
    }

    /// Reports everything, answers every read, lets every worker accept, and checks that nothing is missing.
    fn finish(&mut self) {
        self.output.refusing = [false; WORKERS as usize];
        for event in std::mem::take(&mut self.unreported) {
            self.rooms.offer(event, self.now, &mut self.output);
        }
        while !self.untold.is_empty() {
            self.step(Step::Tell);
        }
        // A later event, or being told of it, reveals the gap that a lost report left.
        let last = self.log.commit(&self.room);
        match last.seq.0 % 3 {
            0 => self.rooms.offer(last, self.now, &mut self.output),
            rest => self.step(Step::Advance { back: 0, is_own: rest == 1 }),
        }
        for _ in 0..10 {
            while !self.output.reads.is_empty() {
                self.step(Step::Answer);
            }
            self.step(Step::Pass(60));
        }
        let head = self.log.head_of(&self.room);
        assert_eq!(self.check_stays(), vec![head; self.stays.len()], "everyone heard everything");
        assert!(!self.rooms.needs_repair(), "and nothing is left to do");
        let elsewhere = self.elsewhere.iter().map(|member| member.user).filter(|_| !self.stays.is_empty());
        let here = self.stays.keys().map(|number| user(number / 2));
        let users: BTreeSet<_> = here.chain(elsewhere).collect();
        assert_eq!(self.rooms.users_in(&self.room), users.into_iter().collect::<Vec<_>>());
        self.check_history();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_stay_hears_every_event_after_its_head_in_order(steps in prop::collection::vec(step(), 1..200)) {
        let mut play = Play::new();
        for step in steps {
            play.step(step);
        }
        play.finish();
    }
}

#[test]
fn a_worker_that_refused_catches_up_page_by_page_without_waiting() {
    let mut play = Play::new();
    play.step(Step::Join(0));
    play.step(Step::Answer);
    play.step(Step::Refuse(0));
    for _ in 0..PAGE * 2 + 10 {
        play.step(Step::Commit);
        play.step(Step::Report(0));
    }
    assert!(play.check_stays() == [Seq(0)] && play.rooms.needs_repair());
    play.step(Step::Accept(0));
    play.step(Step::Pass(60));
    for _ in 0..3 {
        play.step(Step::Answer);
    }
    assert_eq!(play.check_stays(), [Seq(PAGE as u64 * 2 + 10)]);
}

#[test]
fn an_answer_to_a_former_life_of_a_room_is_stale() {
    let mut play = Play::new();
    play.step(Step::Join(0));
    play.step(Step::Depart(0));
    play.step(Step::Join(0));
    play.step(Step::Fail);
    assert_eq!(play.stays.len(), 1, "the failure was the former life's");
    play.step(Step::Answer);
    assert_eq!(play.check_stays(), [Seq(0)]);
}

#[test]
fn what_is_said_while_a_room_starts_is_not_missed() {
    let mut play = Play::new();
    play.step(Step::Join(0));
    let read = play.output.reads.pop_front().unwrap();
    let head = play.log.head_of(&play.room);
    play.step(Step::Commit);
    play.step(Step::Report(0));
    play.rooms.started(&read, Ok(start_at(head)), play.now, &mut play.output);
    play.step(Step::Answer);
    assert_eq!(play.check_stays(), [Seq(1)], "although nothing follows it");
}

#[test]
fn a_catch_up_that_fails_is_tried_again() {
    let mut play = Play::new();
    for step in [Step::Join(0), Step::Answer, Step::Commit, Step::Lose(0), Step::CatchUpAll, Step::Fail] {
        play.step(step);
    }
    assert_eq!(play.check_stays(), [Seq(0)]);
    play.step(Step::Pass(60));
    play.step(Step::Answer);
    assert_eq!(play.check_stays(), [Seq(1)]);
}

#[test]
fn what_another_process_commits_is_read_at_once_and_what_this_one_does_if_it_is_not_reported() {
    for (is_own, reads_at_once) in [(false, true), (true, false)] {
        let mut play = Play::new();
        for step in [Step::Join(0), Step::Answer, Step::Commit, Step::Advance { back: 0, is_own }] {
            play.step(step);
        }
        assert_eq!(!play.output.reads.is_empty(), reads_at_once);
        play.step(Step::Pass(60));
        play.step(Step::Answer);
        assert_eq!(play.check_stays(), [Seq(1)]);
        play.step(Step::Advance { back: 0, is_own });
        assert!(play.output.reads.is_empty(), "it is known");
    }
}

#[test]
fn a_log_that_was_deleted_is_not_read_for_ever() {
    let mut play = Play::new();
    play.step(Step::Join(0));
    play.step(Step::Answer);
    let deleted = Head { room: play.room.clone(), seq: Seq(5), is_own: false };
    play.rooms.advance(&deleted, play.now, &mut play.output);
    play.step(Step::Answer);
    play.step(Step::Pass(60));
    assert!(play.output.reads.is_empty() && !play.rooms.needs_repair());
}

#[test]
fn a_room_that_floods_keeps_a_bounded_number_of_early_events() {
    let mut play = Play::new();
    play.step(Step::Join(0));
    play.step(Step::Answer);
    play.step(Step::Commit);
    play.step(Step::Lose(0));
    for _ in 0..3_000 {
        play.step(Step::Commit);
        play.step(Step::Report(0));
    }
    play.finish();
}
