//! Which sessions and memberships a revocation ends, when and how.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use serde_json::json;

use crate::clock::Timestamp;
use crate::events::{Revocation, RevocationReason};
use crate::hub::drain::Drained;
use crate::hub::*;
use crate::ids::{Seq, TokenId};
use crate::protocol::close::CloseReason;
use crate::protocol::frame;

use super::support::*;

#[test]
fn exactly_the_sessions_that_hung_on_a_right_go_with_it() {
    run(|| async {
        let world = World::new();
        let members: Vec<Member> = [1, 1, 2, 3].map(|number| world.connect(number)).into();
        let evicted = || members.iter().map(|member| member.evicted.get()).collect::<Vec<_>>();
        let jti = TokenId(members[0].connection.to_string());
        let foreign = Revocation::Token {
            issuer: Some("https://elsewhere".into()),
            jti: jti.clone(),
            reason: RevocationReason::Revoked,
        };
        world.end(foreign);
        settle().await;
        assert_eq!(evicted(), [None; 4], "another issuer's token of the same name");
        world.end(Revocation::Token { issuer: None, jti, reason: RevocationReason::Revoked });
        settle().await;
        assert_eq!(evicted(), [Some(CloseReason::Revoked), None, None, None]);
        world.end(Revocation::Login { sid: login(1), reason: RevocationReason::Revoked });
        world.end(Revocation::User { epoch: later(), user: user(3), reason: RevocationReason::Deactivated });
        settle().await;
        let expected = [CloseReason::Revoked, CloseReason::Revoked].map(Some).into_iter();
        let expected = expected.chain([None, Some(CloseReason::UserUnknownOrInactive)]).collect::<Vec<_>>();
        assert_eq!(evicted(), expected);
    });
}

#[test]
fn all_but_one_login_of_a_user_may_end() {
    run(|| async {
        let world = World::new();
        let (kept, other, outside) = (world.connect(1), world.connect(1), world.connect(2));
        let guest = Credentials {
            viewer: None,
            user: user(1),
            login: None,
            issuer: Some("https://elsewhere".into()),
            token: TokenId("t".into()),
            epoch: Timestamp::EPOCH,
            rooms: 10,
        };
        other.guard.borrow().as_ref().unwrap().renew(guest);
        world.end(Revocation::OtherLogins {
            epoch: later(),
            user: user(1),
            kept: login(1),
            reason: RevocationReason::Revoked,
        });
        settle().await;
        let evicted = [&kept, &other, &outside].map(|member| member.evicted.get());
        assert_eq!(evicted, [None, Some(CloseReason::Revoked), None]);
    });
}

#[test]
fn a_session_that_is_newer_than_the_revocation_stays() {
    run(|| async {
        let world = World::new();
        let (older, newer) = (world.connect(1), world.connect(1));
        let renewed = Credentials {
            viewer: None,
            user: user(1),
            login: Some(login(7)),
            issuer: None,
            token: TokenId("new".into()),
            epoch: later(),
            rooms: 10,
        };
        newer.guard.borrow().as_ref().unwrap().renew(renewed);
        world.end(Revocation::User { epoch: later(), user: user(1), reason: RevocationReason::RoleChanged });
        settle().await;
        let evicted = [&older, &newer].map(|member| member.evicted.get());
        assert_eq!(evicted, [Some(CloseReason::Revoked), None]);
    });
}

#[test]
fn a_membership_that_is_newer_than_the_revocation_stays() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        for _ in 0..3 {
            world.log.commit(&room);
        }
        let (older, newer) = (world.connect(1), world.connect(1));
        older.join(&room, Seq(0)).await.unwrap();
        world.publish_event(&room);
        newer.join(&room, Seq(0)).await.unwrap();
        // The fourth event told of it.
        world.end(Revocation::Membership {
            user: user(1),
            room: room.clone(),
            seq: Some(Seq(4)),
            reason: RevocationReason::NoStanding,
        });
        settle().await;
        let local = world.hub.local();
        let are_members = [&older, &newer].map(|member| local.is_member(member.connection, &room));
        assert_eq!(are_members, [false, true]);
    });
}

#[test]
fn an_evicted_session_hears_why_and_nothing_more() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let (mut ana, mut ben) = (world.connect(1), world.connect(2));
        ana.join(&room, Seq(0)).await.unwrap();
        ben.join(&room, Seq(0)).await.unwrap();
        settle().await;
        let _ = (ana.received(), ben.received());
        world.end(Revocation::User { epoch: later(), user: user(1), reason: RevocationReason::RoleChanged });
        world.publish_event(&room);
        settle().await;
        assert_eq!(
            ana.received(),
            [json!({"type": "disconnecting", "reason": "token_revoked"}), json!({"close": 4001})]
        );
        assert!(ben.received().contains(&json!({"type": "presence", "room": room, "left": user(1)})));
        assert_eq!(ana.join(&room, Seq(0)).await, Err(JoinError::Gone), "and cannot come back in");
        world.hub.local().check_invariants();
    });
}

#[test]
fn a_session_that_is_there_for_one_room_ends_with_its_standing_in_it() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let (there_for_it, joined_it) = (world.connect_to(1, Some(room.clone()), 9), world.connect(1));
        there_for_it.join(&room, Seq(0)).await.unwrap();
        joined_it.join(&room, Seq(0)).await.unwrap();
        world.end(Revocation::Membership {
            user: user(1),
            room,
            seq: None,
            reason: RevocationReason::NoStanding,
        });
        settle().await;
        assert_eq!(there_for_it.evicted.get(), Some(CloseReason::NotYours));
        assert_eq!(joined_it.evicted.get(), None, "that one has left the room and goes on");
        world.hub.local().check_invariants();
    });
}

#[test]
fn a_renewed_session_hangs_on_its_new_token_alone() {
    run(|| async {
        let world = World::new();
        let ana = world.connect(1);
        let old = TokenId(ana.connection.to_string());
        let token = TokenId("new".into());
        let credentials = Credentials {
            viewer: None,
            user: user(1),
            login: None,
            issuer: None,
            token: token.clone(),
            epoch: Timestamp::EPOCH,
            rooms: 9,
        };
        ana.guard.borrow().as_ref().unwrap().renew(credentials);
        world.end(Revocation::Token { issuer: None, jti: old, reason: RevocationReason::Revoked });
        world.end(Revocation::Login { sid: login(1), reason: RevocationReason::Revoked });
        settle().await;
        assert_eq!(ana.evicted.get(), None);
        world.end(Revocation::Token { issuer: None, jti: token, reason: RevocationReason::Revoked });
        settle().await;
        assert_eq!(ana.evicted.get(), Some(CloseReason::Revoked));
    });
}

#[test]
fn a_member_without_standing_leaves_the_room_and_stays_connected() {
    run(|| async {
        let (world, lost, kept) = (World::new(), room("lost"), room("kept"));
        let mut ana = world.connect(1);
        ana.join(&lost, Seq(0)).await.unwrap();
        ana.join(&kept, Seq(0)).await.unwrap();
        world.end(Revocation::Membership {
            user: user(1),
            room: lost.clone(),
            seq: None,
            reason: RevocationReason::NoStanding,
        });
        settle().await;
        world.publish_event(&lost);
        world.publish_event(&kept);
        settle().await;
        let received = ana.received();
        assert_eq!(received[0], json!({"type": "presence", "room": lost, "left": user(1)}));
        assert_eq!((&received[1]["type"], &received[1]["code"]), (&json!("error"), &json!("forbidden")));
        assert_eq!((received.len(), &received[2]["room"]), (3, &json!(kept)));
        assert_eq!(ana.evicted.get(), None);
        assert!(world.hub.members(&lost).await.unwrap().is_empty());
    });
}

#[test]
fn a_membership_that_ends_while_it_begins_never_goes_live() {
    run(|| async {
        for seq in [None, Some(Seq(2)), Some(Seq(3))] {
            let (world, room) = (World::new(), room("a"));
            world.log.commit(&room);
            let mut ana = world.connect(1);
            let mut joined = world.hub.local().join(ana.connection, room.clone()).await.unwrap();
            let (user, reason) = (user(1), RevocationReason::NoStanding);
            for seq in [seq, seq.map(|_| Seq(1))] {
                world.end(Revocation::Membership { user, room: room.clone(), seq, reason });
            }
            settle().await;
            assert_eq!(joined.splice(Seq(1)), Spliced::Gone);
            assert_eq!(joined.splice(Seq(9)), Spliced::Gone, "nor later");
            drop(joined);
            world.publish_event(&room);
            settle().await;
            let received = ana.received();
            assert_eq!(received[0], json!({"type": "presence", "room": room, "left": user}));
            assert_eq!((received.len(), &received[1]["code"]), (2, &json!("forbidden")));
            world.hub.local().check_invariants();
        }
    });
}

#[test]
fn who_is_let_in_again_joins_while_the_removal_is_still_being_told() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        for _ in 0..4 {
            world.log.commit(&room);
        }
        let (mut ana, there_for_it) = (world.connect(1), world.connect_to(1, Some(room.clone()), 9));
        let mut joins = Vec::new();
        for member in [&ana, &there_for_it] {
            joins.push(world.hub.local().join(member.connection, room.clone()).await.unwrap());
        }
        // The third event told of the removal, the fourth that the user is in again.
        let (user, reason) = (user(1), RevocationReason::NoStanding);
        world.end(Revocation::Membership { user, room: room.clone(), seq: Some(Seq(3)), reason });
        settle().await;
        for joined in &mut joins {
            assert_eq!(joined.splice(Seq(4)), Spliced::Live);
        }
        world.publish_event(&room);
        settle().await;
        assert_eq!(ana.received_seqs(), [5], "no word of the removal");
        assert_eq!(there_for_it.evicted.get(), None);
    });
}

#[test]
fn more_endings_than_fit_send_everybody_back_through_the_handshake() {
    run(|| async {
        let world = World::new();
        let ana = world.connect(1);
        for number in 0..5_000 {
            world.end(Revocation::Token {
                issuer: None,
                jti: TokenId(number.to_string()),
                reason: RevocationReason::Revoked,
            });
        }
        settle().await;
        assert_eq!(ana.evicted.get(), Some(CloseReason::Internal));
    });
}

#[test]
fn a_reader_that_stopped_is_evicted_and_the_others_do_not_notice() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let (mut slow, mut quick) = (world.connect(1), world.connect(2));
        slow.join(&room, Seq(0)).await.unwrap();
        quick.join(&room, Seq(0)).await.unwrap();
        let _ = slow.outbox.push(Bytes::from(vec![0; 300 * 1024]), Delivery::Durable);
        for second in 1..=10 {
            world.publish_event(&room);
            seconds(1).await;
            assert_eq!(quick.received_seqs(), [second]);
        }
        assert_eq!(slow.evicted.get(), Some(CloseReason::SlowConsumer));
        assert_eq!(
            slow.received(),
            [
                json!({"type": "disconnecting", "reason": "slow_consumer", "reconnect_in_ms": 0}),
                json!({"close": 4009})
            ]
        );
        assert!(slow.abort.get() || world.metrics.evictions.with_label_values(&["slow_consumer"]).get() == 1);
        for _ in 0..10 {
            seconds(1).await;
        }
        assert!(slow.abort.get(), "still registered: its socket is shut");
        for _ in 0..20 {
            seconds(1).await;
        }
        assert_eq!(world.hub.connections_of(user(1)), 0, "it no longer counts, whatever became of its task");
        slow.disconnect();
        world.hub.local().check_invariants();
    });
}

#[test]
fn the_hard_limit_needs_no_grace() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let slow = world.connect(1);
        slow.join(&room, Seq(0)).await.unwrap();
        let _ = slow.outbox.push(Bytes::from(vec![0; 1024 * 1024 - 100]), Delivery::Durable);
        world.publish_event(&room);
        settle().await;
        assert_eq!(slow.evicted.get(), Some(CloseReason::SlowConsumer));
    });
}

#[test]
fn a_silent_session_is_pinged_and_then_evicted() {
    run(|| async {
        let world = World::new();
        let (mut silent, mut alive) = (world.connect(1), world.connect(2));
        let mut pings = (0, 0);
        for _ in 0..59 {
            seconds(1).await;
            alive.guard.borrow().as_ref().unwrap().seen();
            pings.0 += silent.received().len();
            pings.1 += alive.received().len();
        }
        assert!(pings.0 >= 2 && pings.1 >= 2, "{pings:?}");
        assert_eq!(silent.evicted.get(), None);
        for _ in 0..3 {
            seconds(1).await;
        }
        assert_eq!(silent.evicted.get(), Some(CloseReason::Silent));
        assert_eq!(alive.evicted.get(), None);
    });
}

#[test]
fn a_pause_of_the_process_is_nobodys_silence() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let (quiet, mut slow) = (world.connect(1), world.connect(2));
        slow.join(&room, Seq(0)).await.unwrap();
        seconds(1).await;
        let much = json!({"much": "x".repeat(60_000)}).to_string();
        for _ in 0..5 {
            let _ =
                slow.outbox.push(frame::text(|to| to.extend_from_slice(much.as_bytes())), Delivery::Durable);
        }
        seconds(1).await;
        seconds(90).await;
        assert_eq!(
            (quiet.evicted.get(), slow.evicted.get()),
            (None, None),
            "nothing could be read meanwhile"
        );
        while !slow.received().is_empty() {}
        for _ in 0..56 {
            seconds(1).await;
        }
        assert_eq!(quiet.evicted.get(), None);
        for _ in 0..4 {
            seconds(1).await;
        }
        assert_eq!(quiet.evicted.get(), Some(CloseReason::Silent), "but from then on it counts");
    });
}

#[test]
fn pings_that_leave_at_once_do_not_count_as_waiting() {
    run(|| async {
        let world = World::new();
        let mut member = world.connect(1);
        let mut pings = 0;
        for _ in 0..55 {
            seconds(1).await;
            pings += member.received().len();
            assert_eq!(world.metrics.outbox_bytes.get(), 0);
        }
        assert!(pings >= 2);
        let _ = member.outbox.push(frame::text(|to| to.extend_from_slice(b"{}")), Delivery::Durable);
        seconds(1).await;
        assert!(world.metrics.outbox_bytes.get() > 0);
        member.received();
        seconds(1).await;
        assert_eq!(world.metrics.outbox_bytes.get(), 0);
    });
}

#[test]
fn a_stopping_server_sends_everybody_away_in_batches() {
    run(|| async {
        let world = World::new();
        let mut members: Vec<Member> = (0..25).map(|number| world.connect(number)).collect();
        let plan = DrainPlan {
            closing: Closing::AtOnce,
            batch: 10,
            pause: Duration::from_millis(100),
            reconnect_jitter: Duration::from_secs(5),
            seed: 7,
            deadline: Duration::from_secs(10),
        };
        let started = tokio::time::Instant::now();
        let drain = actix::spawn({
            let hub = world.hub.clone();
            async move { hub.drain(plan).await }
        });
        settle().await;
        let asked =
            |members: &[Member]| members.iter().filter(|member| member.evicted.get().is_some()).count();
        assert_eq!(asked(&members), 10, "the first batch at once");
        assert_eq!(members[0].join(&room("a"), Seq(0)).await, Err(JoinError::Draining));
        assert!(matches!(world.hub.acquire(user(99), 10), Err(LimitError::Draining)));
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(asked(&members), 25);
        let mut times = Vec::new();
        for member in &mut members {
            let received = member.received();
            assert_eq!(
                (&received[0]["reason"], &received[1]),
                (&json!("server_restarting"), &json!({"close": 1012}))
            );
            times.push(received[0]["reconnect_in_ms"].as_u64().unwrap());
            member.disconnect();
        }
        times.sort_unstable();
        times.dedup();
        assert!(times.len() > 20 && times.iter().all(|time| *time <= 5_000), "spread out: {times:?}");
        assert_eq!(drain.await.unwrap(), Drained { at_first: 25, left: 0 });
        assert!(started.elapsed() < Duration::from_secs(1), "done when all are gone, not at the deadline");
    });
}

#[test]
fn a_drain_ends_at_its_deadline() {
    run(|| async {
        let world = World::new();
        let _stays = world.connect(1);
        let plan = DrainPlan {
            closing: Closing::AtOnce,
            batch: 10,
            pause: Duration::from_millis(100),
            reconnect_jitter: Duration::ZERO,
            seed: 7,
            deadline: Duration::from_secs(2),
        };
        assert_eq!(world.hub.drain(plan).await, Drained { at_first: 1, left: 1 });
    });
}

#[test]
fn a_join_is_overtaken_by_the_end_of_the_standing() {
    run(|| async {
        let world = World::new();
        let (member, room) = (world.connect(1), room("a"));
        let mut joining = Box::pin(member.join(&room, Seq(0)));
        assert_eq!(joining.as_mut().now_or_never(), None, "the room's head is being read");
        let (user, reason) = (user(1), RevocationReason::NoStanding);
        world.end(Revocation::Membership { user, room: room.clone(), seq: None, reason });
        assert_eq!(joining.await, Err(JoinError::Gone), "not busy: trying again would change nothing");
        member.join(&room, Seq(0)).await.unwrap();
    });
}
