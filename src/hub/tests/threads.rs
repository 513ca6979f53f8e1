//! Real threads: several workers, several writers that report in whatever order they are scheduled, members
//! that reconnect.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use actix::{Arbiter, System};
use prometheus::Registry;
use tokio::sync::oneshot;

use crate::events::{Committed, Revocation, RevocationReason};
use crate::hub::*;
use crate::ids::{Room, Seq};
use crate::protocol::close::CloseReason;

use super::support::*;

const WORKERS: usize = 3;
const MEMBERS: usize = 4;
const ROOMS: usize = 3;
const WRITERS: u64 = 4;
const EACH: u64 = 400;

/// A hub, and what it was started with.
fn start(config: HubConfig) -> (HubHandle, Arc<FakeLog>, HubMetrics) {
    let (log, metrics) = (Arc::<FakeLog>::default(), HubMetrics::new(&Registry::new()).unwrap());
    let event_log = Arc::new(Shared(log.clone()));
    (HubHandle::start(config, metrics.clone(), event_log, HubPublisher::new()), log, metrics)
}

/// Receives all events of a room, disconnecting and resuming every so often.
async fn receive_all(world: World, number: usize, room: Room) -> Vec<u64> {
    let mut received: Vec<u64> = Vec::new();
    let mut visit = 0;
    while received.len() < (WRITERS * EACH) as usize {
        visit += 1;
        let patience = 37 * (visit + number);
        let mut member = world.connect(number);
        let since = Seq(received.last().copied().unwrap_or(0));
        while let Err(refusal) = member.join(&room, since).await {
            // The mailbox is small on purpose; a client retries.
            assert_eq!(refusal, JoinError::Busy);
            tokio::task::yield_now().await;
        }
        let until = received.len() + patience;
        while received.len() < until.min((WRITERS * EACH) as usize) {
            received.extend(member.next_seqs().await);
        }
        member.disconnect();
    }
    received
}

#[test]
fn threads_do_not_disturb_the_order() {
    System::new().block_on(async {
        let (hub, log, metrics) = start(HubConfig { mailbox: 64, ..HubConfig::default() });
        let rooms: Vec<Room> = (0..ROOMS).map(|number| room(&number.to_string())).collect();
        let mut members = Vec::new();
        for worker in 0..WORKERS {
            let arbiter = Arbiter::new();
            for place in 0..MEMBERS {
                let number = worker * MEMBERS + place;
                let (done, received) = oneshot::channel();
                let (hub, log, metrics) = (hub.clone(), log.clone(), metrics.clone());
                let room = rooms[number % ROOMS].clone();
                arbiter.spawn_fn(move || {
                    let world = World::of(hub, log, metrics, number * 1_000);
                    actix::spawn(async move { done.send(receive_all(world, number, room).await) });
                });
                members.push(received);
            }
        }
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (log, hub, rooms) = (log.clone(), hub.clone(), rooms.clone());
                std::thread::spawn(move || {
                    for _ in 0..EACH {
                        let events: Vec<_> = rooms.iter().map(|room| log.commit(room)).collect();
                        hub.publisher().publish(Committed { events, revocations: Vec::new() });
                    }
                })
            })
            .collect();
        let everything: Vec<u64> = (1..=WRITERS * EACH).collect();
        for received in members {
            let received = tokio::time::timeout(Duration::from_secs(60), received).await;
            assert_eq!(received.expect("everybody hears everything in time").unwrap(), everything);
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        assert_eq!(metrics.evictions.with_label_values(&["internal"]).get(), 0, "no order was broken");
    });
}

#[test]
fn a_worker_that_is_behind_ends_rights_before_it_delivers_what_came_after() {
    System::new().block_on(async {
        let (hub, log, metrics) = start(HubConfig::default());
        let world = World::of(hub.clone(), log.clone(), metrics.clone(), 0);
        let (arbiter, room) = (Arbiter::new(), room("behind"));
        let (joined, joins) = oneshot::channel();
        let (go_on, goes_on) = sync_channel::<()>(0);
        let (done, received) = oneshot::channel();
        arbiter.spawn_fn({
            let (hub, room) = (hub.clone(), room.clone());
            move || {
                let world = World::of(hub, log, metrics, 1_000);
                actix::spawn(async move {
                    let mut member = world.connect(1);
                    member.join(&room, Seq(0)).await.unwrap();
                    joined.send(()).unwrap();
                    let _ = goes_on.recv();
                    while member.evicted.get().is_none() {
                        tokio::task::yield_now().await;
                    }
                    let _ = done.send((member.evicted.get(), member.received_seqs()));
                });
            }
        });
        joins.await.unwrap();
        world.publish_event(&room);
        hub.members(&room).await.unwrap();
        world.end(Revocation::Login { sid: login(1), reason: RevocationReason::Revoked });
        world.publish_event(&room);
        hub.members(&room).await.unwrap();
        drop(go_on);
        let (evicted, events) = received.await.unwrap();
        assert_eq!(evicted, Some(CloseReason::Revoked));
        assert!(!events.contains(&2), "it was committed after the right had ended: {events:?}");
    });
}

#[test]
fn what_waits_is_delivered_although_the_thread_is_busy() {
    const EVENTS: u64 = 4_000;
    System::new().block_on(async {
        let (hub, log, metrics) = start(HubConfig::default());
        let world = World::of(hub.clone(), log.clone(), metrics.clone(), 0);
        let (arbiter, room) = (Arbiter::new(), room("busy"));
        let (joined, joins) = oneshot::channel();
        let (go_on, goes_on) = sync_channel::<()>(0);
        let (done, turns) = oneshot::channel();
        arbiter.spawn_fn({
            let (hub, room) = (hub.clone(), room.clone());
            move || {
                let world = World::of(hub, log, metrics, 1_000);
                actix::spawn(async move {
                    let member = world.connect(1);
                    member.join(&room, Seq(0)).await.unwrap();
                    joined.send(()).unwrap();
                    let _ = goes_on.recv();
                    let mut turns = 0;
                    while world.metrics.deliveries.get() < EVENTS {
                        let began = Instant::now();
                        while began.elapsed() < Duration::from_millis(50) {}
                        turns += 1;
                        tokio::task::yield_now().await;
                    }
                    let _ = done.send(turns);
                });
            }
        });
        joins.await.unwrap();
        for _ in 0..EVENTS {
            world.publish_event(&room);
        }
        hub.members(&room).await.unwrap();
        drop(go_on);
        let turns = turns.await.unwrap();
        assert!(turns < 60, "32 messages a turn would take 125 turns, and not {turns}");
    });
}

#[test]
fn what_can_be_said_again_is_refused_while_the_speakers_worker_is_behind_and_else_delivered() {
    System::new().block_on(async {
        let (hub, log, metrics) = start(HubConfig { mailbox: 64, ..HubConfig::default() });
        let (arbiter, room) = (Arbiter::new(), room("typing"));
        let (ask, mut asks) = tokio::sync::mpsc::channel::<SyncSender<()>>(1);
        let (done, outcome) = oneshot::channel();
        arbiter.spawn_fn({
            let (hub, room) = (hub.clone(), room.clone());
            move || {
                let world = World::of(hub.clone(), log, metrics, 1_000);
                actix::spawn(async move {
                    let (ana, ben) = (world.connect(1), world.connect(2));
                    ana.join(&room, Seq(0)).await.unwrap();
                    ben.join(&room, Seq(0)).await.unwrap();
                    let local = hub.local();
                    // What each has been told of the other's coming.
                    hub.members(&room).await.unwrap();
                    settle().await;
                    // Nobody reads what ben is told: some of it finds his outbox full.
                    let dropped = world.metrics.dropped.with_label_values(&["droppable"]);
                    let told = || world.metrics.deliveries.get() + dropped.get();
                    let before = told();
                    let say = || {
                        let typing = Ephemeral::Typing { room: room.clone(), by: user(1) };
                        local.broadcast(ana.connection, typing).is_ok()
                    };
                    let mut accepted = 0;
                    while accepted < 20_000 {
                        if say() {
                            accepted += 1;
                            continue;
                        }
                        // Perhaps the hub's queue was full, which empties although this thread takes nothing.
                        let (answer, answered) = sync_channel(1);
                        ask.try_send(answer).unwrap();
                        answered.recv().unwrap();
                        if !say() {
                            break;
                        }
                        accepted += 1;
                    }
                    drop(ask);
                    assert_eq!(told(), before, "this thread has had no turn");
                    while told() < before + accepted {
                        tokio::task::yield_now().await;
                    }
                    let _ = done.send((accepted, say()));
                });
            }
        });
        while let Some(answer) = asks.recv().await {
            while hub.members(&room).await.is_err() {
                tokio::task::yield_now().await;
            }
            answer.send(()).unwrap();
        }
        let outcome = tokio::time::timeout(Duration::from_secs(60), outcome).await;
        let (accepted, is_accepted_again) = outcome.expect("what was accepted is delivered").unwrap();
        assert!(
            (4_096..8_192).contains(&accepted),
            "refused from half of the queue on, and not at {accepted}"
        );
        assert!(is_accepted_again);
    });
}
