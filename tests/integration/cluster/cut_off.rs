//! A node that cannot hear of ended rights closes its sessions, and does nothing for who may have lost theirs; a short
//! outage costs no session.

use std::time::{Duration, Instant};

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use serde_json::json;

use super::world::{Cluster, on_postgres, run};
use crate::support::{LostAnswers, Process, Socket, eventually, own_postgres, usual_request};

#[test]
fn a_short_outage_of_the_database_costs_no_session_and_loses_no_event() {
    let Some(postgres) = own_postgres() else { return };
    run(async {
        let cluster = Cluster::start(2, &postgres.url());
        let (ana, ben) =
            (cluster.register("ana", "consumer").await, cluster.register("ben", "provider").await);
        let mut here = ben.live().await;
        let mut there = cluster.at(1, &ben).await.live().await;
        for socket in [&mut here, &mut there] {
            socket.ack(json!({"type": "join", "room": "market:plumbing"})).await;
        }
        for (seq, mode) in [(1, "fast"), (2, "immediate")] {
            postgres.stop(mode);
            postgres.start_again();
            eventually(async || ana.post("/requests", usual_request()).await.status == 201).await;
            for socket in [&mut here, &mut there] {
                assert_eq!(socket.event("request.published").await["seq"], seq);
            }
        }
    });
}

#[test]
fn a_node_that_is_cut_off_closes_its_sessions_and_admits_new_ones_when_it_is_back() {
    let Some(postgres) = own_postgres() else { return };
    run(async {
        let mut cluster = Cluster::start(0, &postgres.url());
        cluster.add_with(&["--fence-timeout=1s"]);
        let ana = cluster.register("ana", "consumer").await;
        let mut live = ana.live().await;
        postgres.stop("fast");
        let notice = live.recv("disconnecting").await;
        assert_eq!(notice["reason"], "server_restarting", "{notice}");
        assert_eq!(live.closed().await.code, 1012);
        let unready = ana.get("/readyz").await;
        assert_eq!((unready.status, unready.json()["because"].clone()), (503, json!("cut_off")));
        let mut early = Socket::connect(ana.address(), &ana.live_path()).await;
        assert_eq!(early.closed().await.code, 1012, "whoever comes now is sent away, not failed");
        postgres.start_again();
        eventually(async || ana.get("/readyz").await.status == 200).await;
        let mut again = ana.live().await;
        again.recv_pong().await;
    });
}

#[test]
fn a_commit_of_a_newer_version_that_cannot_be_read_closes_the_sessions_once() {
    let Some(postgres) = own_postgres() else { return };
    run(async {
        let cluster = Cluster::start(1, &postgres.url());
        let ana = cluster.register("ana", "consumer").await;
        let mut live = ana.live().await;
        let mut newer = diesel::PgConnection::establish(&postgres.url()).unwrap();
        let row = r#"INSERT INTO commits (node, at, rooms, revocations) VALUES ('newer', 0,
                     '[["orbit:7", 1, 1]]', '[{"right": "orbit"}]')"#;
        newer.batch_execute(row).unwrap();
        assert_eq!(live.closed().await.code, 1012);
        eventually(async || ana.get("/readyz").await.status == 200).await;
        let mut again = ana.live().await;
        // Of a room that is not known here nobody is a member here.
        newer.batch_execute(&row.replace("[{\"right\": \"orbit\"}]", "[]")).unwrap();
        ana.post("/requests", usual_request()).await.ok();
        again.event("request.published").await;
        again.recv_pong().await;
    });
}

#[test]
fn a_right_that_ends_while_a_node_does_not_hear_of_it_ends_there_in_time() {
    let Some(postgres) = own_postgres() else { return };
    let proxy = LostAnswers::before(&postgres);
    run(async {
        let mut cluster = Cluster::start(1, &postgres.url());
        let url = postgres.url_by(proxy.folder());
        let there = Process::start("127.0.0.1:0", &url, &["--fence-timeout=2s"]);
        cluster.nodes.push(there);
        let ana = cluster.register("ana", "consumer").await;
        let mut far = cluster.at(1, &ana).await.live().await;
        proxy.fall_silent();
        ana.post("/auth/logout", json!({})).await;
        let closed = tokio::time::timeout(Duration::from_secs(10), far.closed()).await.unwrap();
        assert_eq!(closed.code, 1012, "cut off, not told");
        proxy.speak();
        eventually(async || cluster.nodes[1].client(None).get("/readyz").await.status == 200).await;
    });
}

#[test]
fn a_node_that_is_cut_off_in_the_middle_of_its_probe_leaves_the_others_ready() {
    on_postgres(async |url| {
        let cluster = Cluster::start(1, &url);
        let anyone = cluster.nodes[0].client(None);
        assert_eq!(anyone.get("/readyz").await.status, 200);
        // What PostgreSQL keeps of such a node until it misses it.
        let mut cut_off = diesel::PgConnection::establish(&url).unwrap();
        cut_off.batch_execute("BEGIN; UPDATE write_probe SET writes = writes").unwrap();
        // A result is good for a second.
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(4) {
            let probe = anyone.get("/readyz").await;
            assert_eq!(probe.status, 200, "{probe}");
        }
    });
}

#[test]
fn a_node_that_did_not_run_does_nothing_for_who_was_logged_out_meanwhile() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let mut there = Vec::new();
        for number in 0..12 {
            let person = cluster.register(&format!("ana{number}"), "consumer").await;
            let mut socket = cluster.at(1, &person).await.live().await;
            socket.recv_pong().await;
            there.push((person, socket));
        }
        cluster.nodes[1].signal("STOP");
        for (person, socket) in &mut there {
            person.post("/auth/logout", json!({})).await.ok();
            // It waits in the system's buffer.
            socket.send(json!({"type": "create_conversation", "id": 1})).await;
        }
        // For longer than what ended elsewhere may stay unknown, and shorter than what the node is cut off after.
        tokio::time::sleep(Duration::from_secs(2)).await;
        cluster.nodes[1].signal("CONT");
        for (_, socket) in &mut there {
            assert_eq!(socket.closed().await.code, 4001);
        }
        for (person, _) in &there {
            let again = cluster.log_in(0, &person.email).await;
            let conversations = again.get("/conversations").await.ok();
            assert_eq!(conversations["items"], json!([]), "{}", person.email);
        }
    });
}
