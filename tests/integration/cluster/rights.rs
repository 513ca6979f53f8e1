//! A right that ends on one node ends on all of them at once.

use std::time::{Duration, Instant};

use serde_json::json;

use super::world::{Cluster, accept, offer, on_postgres, run};
use crate::support::{LostAnswers, Person, eventually, id, own_postgres};

/// What is promised is a second; these wait longer, so that a busy machine does not fail them.
const BOUND: Duration = Duration::from_secs(5);

#[test]
fn a_right_that_ends_closes_the_sessions_on_every_node() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let root = cluster.admin().await;
        let ana = cluster.register("ana", "consumer").await;
        // One login is logged out here, all others by an admin, and then the user is suspended.
        let other = cluster.log_in(1, &ana.email).await;
        let mut first = cluster.at(1, &ana).await.live().await;
        let mut second = other.live().await;
        ana.post("/auth/logout", json!({})).await;
        let began = Instant::now();
        assert_eq!(first.closed().await.code, 4001);
        second.recv_pong().await;
        root.post(&format!("/admin/users/{}/log-out", ana.id), json!({})).await.refused(204);
        assert_eq!(second.closed().await.code, 4001);

        let again = cluster.log_in(0, &ana.email).await;
        let mut third = cluster.at(1, &again).await.live().await;
        root.post(&format!("/admin/users/{}/suspend", ana.id), json!({"reason": "spam"})).await.ok();
        assert_eq!(third.closed().await.code, 4002);
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    });
}

#[test]
fn a_right_that_ends_and_a_plan_that_changes_hold_for_requests_on_every_node() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let (root, ana) = (cluster.admin().await, cluster.register("ana", "consumer").await);
        let there = cluster.at(1, &ana).await;
        let limit = async || there.get("/auth/me").await.header("ratelimit-limit").unwrap().to_owned();
        let before = limit().await;
        root.put(&format!("/admin/users/{}/plan", ana.id), json!({"plan": "pro"})).await.ok();
        let began = Instant::now();
        eventually(async || limit().await != before).await;
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
        ana.post("/auth/logout", json!({})).await;
        let began = Instant::now();
        eventually(async || there.get("/auth/me").await.status == 401).await;
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    });
}

#[test]
fn a_view_as_somebody_ends_on_every_node_with_the_right_of_its_admin() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let (root, ana) = (cluster.admin().await, cluster.register("ana", "consumer").await);
        let path = format!("/admin/users/{}/view-as", ana.id);
        for ends_with in ["/auth/logout", "/auth/revoke"] {
            let admin = cluster.log_in(0, &root.email).await;
            let begun = admin.post(&path, json!({"reason": "a complaint"})).await.ok();
            let token = begun["access_token"].as_str().unwrap();
            let there = Person::of(cluster.nodes[1].client(Some(token))).await;
            let mut live = there.live().await;
            admin.post(ends_with, json!({"token": token})).await;
            let began = Instant::now();
            assert_eq!(live.closed().await.code, 4001, "{ends_with}");
            eventually(async || there.get("/auth/me").await.status == 401).await;
            assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
        }
    });
}

#[test]
fn a_right_whose_end_was_committed_without_an_answer_has_ended_everywhere() {
    let Some(postgres) = own_postgres() else { return };
    let proxy = LostAnswers::before(&postgres);
    run(async {
        let mut cluster = Cluster::start(1, &postgres.url_by(proxy.folder()));
        cluster.add_at(&postgres.url());
        let root = cluster.admin().await;
        let ana = cluster.register("ana", "consumer").await;
        let mut sockets = [ana.live().await, cluster.at(1, &ana).await.live().await];
        proxy.lose_commit_with("a reason of its own");
        let suspend = || {
            root.post(&format!("/admin/users/{}/suspend", ana.id), json!({"reason": "a reason of its own"}))
        };
        suspend().await.refused(503);
        for socket in &mut sockets {
            assert_eq!(socket.closed().await.code, 4002);
        }
        ana.get("/auth/me").await.refused(401);
        assert_eq!(suspend().await.ok()["is_active"], false, "done again, it is done");
    });
}

#[test]
fn who_logs_in_again_right_after_a_log_out_everywhere_stays() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let ana = cluster.register("ana", "consumer").await;
        for _ in 0..5 {
            let here = cluster.log_in(0, &ana.email).await;
            let mut old = cluster.at(1, &here).await.live().await;
            here.delete("/auth/sessions").await;
            // A session that begins before the other node has heard of the log-out.
            let mut new = cluster.log_in(1, &ana.email).await.live().await;
            assert_eq!(old.closed().await.code, 4001);
            new.recv_pong().await;
        }
    });
}

#[test]
fn what_is_told_again_after_a_broken_connection_ends_nothing_that_is_newer() {
    let Some(postgres) = own_postgres() else { return };
    run(async {
        let cluster = Cluster::start(2, &postgres.url());
        let ana = cluster.register("ana", "consumer").await;
        let mut last = ana.clone();
        for _ in 0..2 {
            last.delete("/auth/sessions").await;
            last = cluster.log_in(0, &ana.email).await;
        }
        let mut live = cluster.at(1, &last).await.live().await;
        for _ in 0..3 {
            postgres.terminate_connections();
            eventually(async || last.get("/auth/me").await.status == 200).await;
            eventually(async || cluster.nodes[1].client(last.token()).get("/auth/me").await.status == 200)
                .await;
        }
        // What it hears now was committed after the connections broke.
        let other = cluster.log_in(0, &ana.email).await;
        let mut of_other = cluster.at(1, &other).await.live().await;
        other.post("/auth/logout", json!({})).await;
        assert_eq!(of_other.closed().await.code, 4001);
        live.recv_pong().await;
    });
}

#[test]
fn who_is_let_in_again_at_once_stays_in() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let (ana, ben) =
            (cluster.register("ana", "consumer").await, cluster.register("ben", "provider").await);
        let project = ana.post("/projects", json!({"title": "Kitchen"})).await.ok();
        let path = format!("/projects/{}", id(&project));
        let there = cluster.at(1, &ben).await;
        for round in 0..5 {
            if round > 0 {
                let removed = ana.delete(&format!("{path}/members/{}", ben.id)).if_match("*").await;
                assert!(removed.status < 300, "{removed}");
            }
            let invitation = json!({"user_id": ben.id, "role": "editor"});
            let invitation = ana.post(&format!("{path}/invitations"), invitation).await.ok();
            let accept = format!("/invitations/{}/accept", id(&invitation));
            assert!(ben.post(&accept, json!({})).await.status < 300);
            let mut live = there.live().await;
            live.ack(json!({"type": "join", "room": format!("project:{}", id(&project))})).await;
            // The other node has heard of the removal by now.
            ana.post(&format!("{path}/columns"), json!({"name": format!("column {round}")})).await.ok();
            live.event("column.created").await;
            assert_eq!(live.take_all("presence").iter().filter(|notice| notice["left"] == ben.id).count(), 0);
        }
    });
}

#[test]
fn who_loses_the_standing_in_a_room_leaves_it_on_every_node() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let (ana, ben) =
            (cluster.register("ana", "consumer").await, cluster.register("ben", "provider").await);
        let booking = accept(&ana, &offer(&ana, &ben, 24).await).await;
        let mut there = cluster.at(1, &ben).await.live().await;
        there.ack(json!({"type": "join", "room": format!("booking:{booking}")})).await;
        ana.put(&format!("/bookings/{booking}/cancel"), json!({"reason": "ill"})).await.ok();
        let notice = there.recv("presence").await;
        assert_eq!(notice["left"], ben.id, "{notice}");
        there.recv_pong().await;
    });
}

#[test]
fn the_command_line_ends_rights_of_live_sessions() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let ana = cluster.register("ana", "consumer").await;
        let mut sockets = [ana.live().await, cluster.at(1, &ana).await.live().await];
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_souk"));
        command.args(["user", "suspend", &ana.email, "--reason", "spam", "--database-url", &url]);
        assert!(command.output().unwrap().status.success());
        for socket in &mut sockets {
            assert_eq!(socket.closed().await.code, 4002);
        }
        eventually(async || ana.get("/auth/me").await.status == 401).await;
    });
}
