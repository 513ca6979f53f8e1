//! Listing live sessions, and closing one of them.

use futures_util::FutureExt;
use serde_json::json;

use crate::domain::Page;
use crate::events::{Revocation, RevocationReason};
use crate::hub::*;
use crate::ids::{ConnectionId, Seq};
use crate::protocol::close::CloseReason;

use super::support::*;

async fn listed(world: &World, filter: SessionFilter) -> Vec<ConnectionId> {
    let sessions = world.hub.sessions(filter, Page { before: None, limit: 100 }).await.unwrap();
    sessions.items.iter().map(|session| session.connection).collect()
}

#[test]
fn sessions_are_listed_newest_first_by_whose_they_are() {
    run(|| async {
        let world = World::new();
        let [a, b, c] = [1, 2, 1].map(|number| world.connect(number));
        let names = |members: &[&Member]| members.iter().map(|member| member.connection).collect::<Vec<_>>();
        assert_eq!(listed(&world, SessionFilter::All).await, names(&[&c, &b, &a]));
        assert_eq!(listed(&world, SessionFilter::User(user(1))).await, names(&[&c, &a]));
        world.end(Revocation::User { epoch: later(), user: user(2), reason: RevocationReason::Revoked });
        settle().await;
        assert_eq!(listed(&world, SessionFilter::All).await, names(&[&c, &a]), "who is leaving is not live");
        c.disconnect();
        assert_eq!(listed(&world, SessionFilter::User(user(1))).await, names(&[&a]));
    });
}

#[test]
fn a_page_ends_where_the_next_begins() {
    run(|| async {
        let world = World::new();
        let members: Vec<Member> = (0..5).map(|_| world.connect(1)).collect();
        for filter in [SessionFilter::All, SessionFilter::User(user(1))] {
            let (mut seen, mut before) = (Vec::new(), None);
            loop {
                let page = world.hub.sessions(filter, Page { before, limit: 2 }).await.unwrap();
                assert!(page.items.len() <= 2);
                seen.extend(page.items.iter().map(|session| session.connection));
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(seen, members.iter().rev().map(|member| member.connection).collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_session_is_seen_as_it_is() {
    run(|| async {
        let world = World::new();
        let ana = world.connect(1);
        ana.join(&room("a"), Seq(0)).await.unwrap();
        for _ in 0..7 {
            seconds(1).await;
        }
        let page = Page { before: None, limit: 1 };
        let sessions = world.hub.sessions(SessionFilter::All, page).await.unwrap();
        let [session] = sessions.items.as_slice() else { panic!("one session") };
        assert_eq!((session.user, session.login, session.rooms), (user(1), Some(login(1)), 1));
        assert_eq!(session.silent_for.as_secs(), 7);
        ana.guard.borrow().as_ref().unwrap().seen();
        let sessions = world.hub.sessions(SessionFilter::All, page).await.unwrap();
        assert_eq!(sessions.items[0].silent_for.as_secs(), 0);
    });
}

#[test]
fn one_session_is_closed_and_hears_why() {
    run(|| async {
        let world = World::new();
        let (mut ana, other) = (world.connect(1), world.connect(1));
        assert!(world.hub.close(ana.connection, CloseReason::ClosedByAdmin).await);
        let reason = json!({"type": "disconnecting", "reason": "closed_by_admin", "reconnect_in_ms": 5000});
        assert_eq!(ana.received(), [reason, json!({"close": 4008})]);
        assert_eq!(other.evicted.get(), None);
        assert!(!world.hub.close(ana.connection, CloseReason::ClosedByAdmin).await, "it is leaving already");
        world.hub.local().check_invariants();
    });
}

#[test]
fn closing_does_not_wait_for_a_place_in_a_full_mailbox() {
    run(|| async {
        let (world, room) = (World::new(), room("a"));
        let ana = world.connect(1);
        ana.join(&room, Seq(0)).await.unwrap();
        settle().await;
        // Before this task yields, no actor takes messages, so the mailbox is full.
        let page = Page { before: None, limit: 1 };
        let ask = || world.hub.sessions(SessionFilter::All, page).boxed_local();
        let asked: Vec<_> = (0..2_000).map(|_| ask()).collect();
        for question in asked {
            let _ = question.now_or_never();
        }
        assert!(world.hub.sessions(SessionFilter::All, page).await.is_err(), "the mailbox is full");
        assert!(world.hub.close(ana.connection, CloseReason::ClosedByAdmin).await);
        assert_eq!(ana.evicted.get(), Some(CloseReason::ClosedByAdmin));
    });
}
