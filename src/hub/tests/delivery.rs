//! Which members get which notices, and in which order.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::hub::*;
use crate::ids::Seq;

use super::support::*;

#[test]
fn members_hear_their_room_and_nobody_else_does() {
    run(|| async {
        let world = World::new();
        let (kitchen, garden) = (room("kitchen"), room("garden"));
        let (mut ana, mut ben) = (world.connect(1), world.connect(2));
        ana.join(&kitchen, Seq(0)).await.unwrap();
        ben.join(&garden, Seq(0)).await.unwrap();
        world.publish_event(&kitchen);
        world.publish_event(&garden);
        world.publish_event(&garden);
        settle().await;
        assert_eq!(ana.received_seqs(), [1]);
        assert_eq!(ben.received_seqs(), [1, 2]);
        ben.disconnect();
        world.publish_event(&garden);
        settle().await;
        assert!(ben.received_seqs().is_empty());
        assert_eq!(world.hub.snapshot().await.unwrap().rooms, 1, "a room without members is forgotten");
        world.hub.local().check_invariants();
    });
}

#[test]
fn an_event_that_comes_early_waits_for_the_one_before_it() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let mut ana = world.connect(1);
        ana.join(&room, Seq(0)).await.unwrap();
        let [first, second, third] = std::array::from_fn(|_| world.log.commit(&room));
        world.report(third);
        world.report(second);
        settle().await;
        assert!(ana.received_seqs().is_empty(), "not before the first");
        world.report(first);
        settle().await;
        assert_eq!(ana.received_seqs(), [1, 2, 3]);
        assert_eq!(world.metrics.gap_reads.get(), 0, "nothing had to be read");
    });
}

#[test]
fn who_causes_an_event_gets_it_once_and_in_order_without_waiting_for_the_hub() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let (mut ana, mut ben, carl) = (world.connect(1), world.connect(2), world.connect(3));
        ana.join(&room, Seq(0)).await.unwrap();
        ben.join(&room, Seq(0)).await.unwrap();
        settle().await;
        let [first, second, third] = std::array::from_fn(|_| world.log.commit(&room));
        let local = world.hub.local();
        let _ = (ana.received(), ben.received());
        let before = world.metrics.deliveries.get();
        local.deliver_own(ana.connection, first.clone());
        local.deliver_own(carl.connection, second.clone());
        local.deliver_own(ana.connection, third.clone());
        assert_eq!(ana.received_seqs(), [1], "not the third before the second");
        assert!(ben.received_seqs().is_empty());
        for event in [first, second, third] {
            world.report(event);
        }
        settle().await;
        assert_eq!(ana.received_seqs(), [2, 3]);
        assert_eq!(ben.received_seqs(), [1, 2, 3]);
        assert_eq!(world.metrics.deliveries.get() - before, 6);
        local.leave(ana.connection, &room);
        local.deliver_own(ana.connection, world.log.commit(&room));
        assert!(ana.received_seqs().is_empty(), "who is not in the room hears nothing");
        world.hub.local().check_invariants();
    });
}

#[test]
fn a_gap_that_does_not_close_is_read_from_the_log() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let mut ana = world.connect(1);
        ana.join(&room, Seq(0)).await.unwrap();
        let [_never_reported, second] = std::array::from_fn(|_| world.log.commit(&room));
        world.log.failures.store(1, Ordering::Relaxed);
        world.report(second);
        settle().await;
        tokio::time::advance(Duration::from_millis(49)).await;
        settle().await;
        assert!(ana.received_seqs().is_empty());
        assert_eq!(world.metrics.gap_reads.get(), 0);
        tokio::time::advance(Duration::from_millis(2)).await;
        settle().await;
        assert_eq!(world.metrics.gap_reads.get(), 1, "the first read fails");
        tokio::time::sleep(Duration::from_millis(60)).await;
        settle().await;
        assert_eq!(ana.received_seqs(), [1, 2]);
    });
}

#[test]
fn a_lost_report_is_made_good_from_the_log() {
    run(|| async {
        let room = room("a");
        let world = World::with(HubConfig { mailbox: 4, ..HubConfig::default() });
        let mut ana = world.connect(1);
        ana.join(&room, Seq(0)).await.unwrap();
        for _ in 0..2_000 {
            world.publish_event(&room);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(world.metrics.catch_ups.get() > 0, "the mailbox was full");
        assert_eq!(ana.received_seqs(), (1..=2_000).collect::<Vec<_>>());
    });
}

#[test]
fn a_room_whose_log_cannot_be_read_is_not_joined() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let ana = world.connect(1);
        world.log.failures.store(1, Ordering::Relaxed);
        assert_eq!(ana.join(&room, Seq(0)).await, Err(JoinError::Unavailable));
        world.hub.local().check_invariants();
        assert_eq!(ana.join(&room, Seq(0)).await, Ok(()), "the next attempt is a new one");
    });
}

#[test]
fn a_join_that_is_given_up_leaves_nothing_behind() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let ana = world.connect(1);
        let local = world.hub.local();
        let joined = local.join(ana.connection, room.clone()).await.unwrap();
        assert!(local.rooms_of(ana.connection).contains(&room));
        assert!(!local.is_member(ana.connection, &room), "it does not hear yet");
        drop(joined);
        settle().await;
        assert!(local.rooms_of(ana.connection).is_empty());
        assert_eq!(world.hub.snapshot().await.unwrap().rooms, 0);
    });
}

#[test]
fn a_join_that_is_given_up_does_not_end_the_one_after_it() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let mut ana = world.connect(1);
        let local = world.hub.local();
        let given_up = local.join(ana.connection, room.clone()).await.unwrap();
        ana.join(&room, Seq(0)).await.unwrap();
        drop(given_up);
        world.publish_event(&room);
        settle().await;
        assert_eq!(ana.received_seqs(), [1]);
    });
}

#[test]
fn a_user_with_two_connections_comes_and_goes_once() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let mut ana = world.connect(1);
        ana.join(&room, Seq(0)).await.unwrap();
        let (ben, ben_too) = (world.connect(2), world.connect(2));
        ben.join(&room, Seq(0)).await.unwrap();
        ben_too.join(&room, Seq(0)).await.unwrap();
        settle().await;
        assert_eq!(ana.received(), [json!({"type": "presence", "room": room, "joined": user(2)})]);
        assert_eq!(world.hub.members(&room).await.unwrap(), [user(1), user(2)]);
        ben.disconnect();
        settle().await;
        assert!(ana.received().is_empty(), "one connection is left");
        ben_too.disconnect();
        settle().await;
        assert_eq!(ana.received(), [json!({"type": "presence", "room": room, "left": user(2)})]);
    });
}

#[test]
fn what_is_not_stored_goes_to_the_others_alone() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let (mut ana, mut ben) = (world.connect(1), world.connect(2));
        ana.join(&room, Seq(0)).await.unwrap();
        ben.join(&room, Seq(0)).await.unwrap();
        settle().await;
        let _ = (ana.received(), ben.received());
        let typing = || Ephemeral::Typing { room: room.clone(), by: user(1) };
        let local = world.hub.local();
        local.broadcast(ana.connection, typing()).unwrap();
        settle().await;
        assert!(ana.received().is_empty());
        assert_eq!(ben.received(), [json!({"type": "typing", "room": room, "by": user(1)})]);
        local.leave(ana.connection, &room);
        let received = local.broadcast(ana.connection, typing());
        assert_eq!(received, Err(BroadcastError::NotAMember));
    });
}

#[test]
fn a_session_is_in_as_many_rooms_as_it_may_be() {
    run(|| async {
        let world = World::new();
        let ana = world.connect_to(1, None, 2);
        for name in ["a", "b", "a"] {
            ana.join(&room(name), Seq(0)).await.unwrap();
        }
        assert_eq!(ana.join(&room("c"), Seq(0)).await, Err(JoinError::TooManyRooms));
    });
}
