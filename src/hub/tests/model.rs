//! Random joins, disconnects, late and lost reports, reconnects with `since`: each member gets each position
//! once and in order.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use tokio::task::JoinHandle;

use crate::events::Envelope;
use crate::hub::*;
use crate::ids::{Room, Seq};

use super::support::*;

const PEOPLE: usize = 4;
const ROOMS: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    Commit(usize),
    /// Reports one of the commits that were not reported yet, in any order.
    Report(usize),
    /// A commit is never reported; a later one reveals the gap.
    Lose(usize),
    Join(usize, usize),
    Leave(usize, usize),
    /// The connection breaks; what the client has not read is lost.
    Break(usize),
    Read(usize),
    LogFails,
    Settle,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..ROOMS).prop_map(Step::Commit),
        12 => any::<usize>().prop_map(Step::Report),
        1 => any::<usize>().prop_map(Step::Lose),
        6 => (0..PEOPLE, 0..ROOMS).prop_map(|(person, room)| Step::Join(person, room)),
        1 => (0..PEOPLE, 0..ROOMS).prop_map(|(person, room)| Step::Leave(person, room)),
        2 => (0..PEOPLE).prop_map(Step::Break),
        6 => (0..PEOPLE).prop_map(Step::Read),
        1 => Just(Step::LogFails),
        4 => Just(Step::Settle),
        3 => (1..80_u64).prop_map(Step::Wait),
    ]
}

/// A user whose client remembers the last position that it got of each room.
struct Person {
    number: usize,
    member: Option<Member>,
    joins: BTreeMap<Room, JoinHandle<Result<(), JoinError>>>,
    seen: BTreeMap<Room, u64>,
}

impl Person {
    fn join(&mut self, world: &World, room: &Room) {
        let member = self.member.get_or_insert_with(|| world.connect(self.number));
        let is_wanted = match self.joins.get(room) {
            Some(join) => join.is_finished() && !world.hub.local().is_member(member.connection, room),
            None => true,
        };
        if is_wanted {
            let since = Seq(self.seen.get(room).copied().unwrap_or(0));
            self.joins.insert(room.clone(), actix::spawn(member.join(room, since)));
        }
    }

    async fn leave(&mut self, world: &World, room: &Room) {
        if let (Some(member), Some(join)) = (&self.member, self.joins.remove(room)) {
            join.abort();
            let _ = join.await;
            world.hub.local().leave(member.connection, room);
            self.read();
        }
    }

    async fn break_off(&mut self) {
        for (_, join) in std::mem::take(&mut self.joins) {
            join.abort();
            let _ = join.await;
        }
        if let Some(member) = self.member.take() {
            member.disconnect();
        }
    }

    fn read(&mut self) {
        let Some(member) = &mut self.member else { return };
        assert_eq!(member.evicted.get(), None, "nobody is slow or silent here, and no order was broken");
        for notice in member.received().iter().filter(|notice| notice["type"] == "event") {
            let room: Room = notice["room"].as_str().unwrap().parse().unwrap();
            let seen = self.seen.entry(room).or_default();
            *seen += 1;
            assert_eq!(notice["seq"], *seen, "the next position, once");
        }
    }
}

async fn play(world: World, steps: Vec<Step>) {
    let rooms: Vec<Room> = (0..ROOMS).map(|number| room(&number.to_string())).collect();
    let person = |number| Person { number, member: None, joins: BTreeMap::new(), seen: BTreeMap::new() };
    let mut people: Vec<Person> = (0..PEOPLE).map(person).collect();
    let mut unreported: Vec<Envelope> = Vec::new();
    for step in steps {
        match step {
            Step::Commit(room) => unreported.push(world.log.commit(&rooms[room])),
            Step::Report(which) if !unreported.is_empty() => {
                world.report(unreported.swap_remove(which % unreported.len()));
            }
            Step::Lose(which) if !unreported.is_empty() => {
                let _lost = unreported.swap_remove(which % unreported.len());
            }
            Step::Report(_) | Step::Lose(_) => {}
            Step::Join(person, room) => people[person].join(&world, &rooms[room]),
            Step::Leave(person, room) => people[person].leave(&world, &rooms[room]).await,
            Step::Break(person) => people[person].break_off().await,
            Step::Read(person) => people[person].read(),
            Step::LogFails => world.log.failures.store(1, Ordering::Relaxed),
            Step::Settle => settle().await,
            Step::Wait(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
        }
        tokio::task::yield_now().await;
        world.hub.local().check_invariants();
    }
    world.log.failures.store(0, Ordering::Relaxed);
    for event in unreported {
        world.report(event);
    }
    for _ in 0..5 {
        settle().await;
        people.iter_mut().for_each(|person| rooms.iter().for_each(|room| person.join(&world, room)));
    }
    for room in &rooms {
        settle().await;
        world.publish_event(room);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for person in &mut people {
        person.read();
        for room in &rooms {
            assert_eq!(person.seen.get(room), Some(&world.log.head_of(room).0), "nothing is missing");
        }
    }
    for person in &mut people {
        person.break_off().await;
    }
    settle().await;
    assert!(world.hub.snapshot().await.unwrap().rooms == 0, "and nothing is left");
    assert_eq!((world.metrics.memberships.get(), world.metrics.sessions.get()), (0, 0));
    world.hub.local().check_invariants();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn each_member_gets_each_position_once_and_in_order(
        steps in prop::collection::vec(step(), 1..150),
        mailbox in prop_oneof![Just(6), Just(8_192)],
        join_buffer in prop_oneof![Just(1), Just(1_024)],
    ) {
        run(|| play(World::with(HubConfig { mailbox, join_buffer, ..HubConfig::default() }), steps));
    }
}
