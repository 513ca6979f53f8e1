//! The connections of all nodes together: how many a user has, who they are, and closing one anywhere.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use futures_util::future::join_all;
use serde_json::{Value, json};
use souk::db::schema::{live_connections, nodes};

use super::world::{Cluster, on_postgres};
use crate::support::{Person, Socket, eventually};

const LIMIT: &str = "--free-connections=3";

/// An open session, or the code with which the handshake was refused.
async fn open(person: &Person) -> Result<Socket, u16> {
    let mut socket = Socket::connect(person.address(), &person.live_path()).await;
    match socket.try_recv("connection_established").await {
        Ok(_) => Ok(socket),
        Err(closed) => Err(closed.code),
    }
}

#[test]
fn a_user_has_as_many_connections_on_all_nodes_together_as_the_plan_allows() {
    on_postgres(async |url| {
        let cluster = Cluster::start_with(2, &url, &[LIMIT]);
        let ana = cluster.register("ana", "consumer").await;
        let there = cluster.at(1, &ana).await;
        for _ in 0..3 {
            let attempts = (0..10).map(|number| open(if number % 2 == 0 { &ana } else { &there }));
            let (opened, refused): (Vec<_>, Vec<_>) =
                join_all(attempts).await.into_iter().partition(Result::is_ok);
            assert_eq!(opened.len(), 3, "to the last one");
            assert!(refused.iter().all(|refused| refused.as_ref().is_err_and(|code| *code == 4008)));
            assert_eq!(ana.get("/me/limits").await.ok()["connections"]["used"], 3);
            for socket in opened.into_iter().flatten() {
                socket.close().await;
            }
            eventually(async || there.get("/me/limits").await.ok()["connections"]["used"] == 0).await;
            eventually(async || ana.get("/me/limits").await.ok()["connections"]["used"] == 0).await;
        }
    });
}

/// Forgets the nodes that have connections, while this connection lives: no node writes, all may read.
fn forget_nodes(url: &str) -> PgConnection {
    let mut connection = PgConnection::establish(url).unwrap();
    let with_connections = nodes::id.eq_any(live_connections::table.select(live_connections::node));
    loop {
        diesel::delete(nodes::table.filter(with_connections)).execute(&mut connection).unwrap();
        connection.batch_execute("BEGIN; LOCK TABLE nodes IN SHARE MODE").unwrap();
        let known = nodes::table.filter(with_connections).count();
        if known.get_result::<i64>(&mut connection).unwrap() == 0 {
            return connection;
        }
        // One wrote in between.
        connection.batch_execute("ROLLBACK").unwrap();
    }
}

#[test]
fn the_connections_of_a_node_count_there_while_the_others_have_forgotten_it() {
    on_postgres(async |url| {
        let cluster = Cluster::start_with(2, &url, &[LIMIT]);
        let ana = cluster.register("ana", "consumer").await;
        let there = cluster.at(1, &ana).await;
        let mut opened = vec![open(&ana).await.unwrap()];
        let forgotten = forget_nodes(&url);
        opened.push(open(&there).await.unwrap());
        opened.push(open(&ana).await.unwrap());
        assert_eq!(open(&ana).await.err(), Some(4008), "two here, and one there");
        drop(forgotten);
    });
}

#[test]
fn the_connections_of_a_killed_node_stop_counting() {
    on_postgres(async |url| {
        let mut cluster = Cluster::start_with(2, &url, &[LIMIT]);
        let ana = cluster.register("ana", "consumer").await;
        let there = cluster.at(1, &ana).await;
        let mut lost = Vec::new();
        for _ in 0..3 {
            lost.push(open(&there).await.unwrap());
        }
        assert_eq!(open(&ana).await.err(), Some(4008));
        cluster.nodes.remove(1).kill();
        let began = Instant::now();
        let opened = loop {
            match open(&ana).await {
                Ok(socket) => break socket,
                Err(4008) if began.elapsed() < Duration::from_secs(30) => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(code) => panic!("refused with {code} after {:?}", began.elapsed()),
            }
        };
        opened.close().await;
    });
}

#[test]
fn an_admin_sees_the_connections_of_all_nodes_and_closes_one_of_another() {
    on_postgres(async |url| {
        let cluster = Cluster::start(2, &url);
        let root = cluster.admin().await;
        let ana = cluster.register("ana", "consumer").await;
        let mut here = ana.live().await;
        let mut there = cluster.at(1, &ana).await.live().await;
        let path = format!("/admin/sessions?user_id={}", ana.id);
        let listed = root.get(&path).await.ok();
        let ids: Vec<&str> =
            listed["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 2, "{listed}");
        let [newer, older] = [0, 1].map(|at| &listed["items"][at]);
        assert_ne!(newer["node_id"], older["node_id"], "{listed}");
        assert_eq!(
            (&newer["dialect"], &newer["waiting_bytes"]),
            (&Value::Null, &Value::Null),
            "known there alone"
        );
        assert_eq!((&older["dialect"], &older["waiting_bytes"]), (&json!("json"), &json!(0)));
        for (connection, at) in [(newer, 0), (older, 1)] {
            let node = connection["node_id"].as_str().unwrap();
            let of_node = root.get(&format!("{path}&node_id={node}")).await.ok();
            let found: Vec<&Value> =
                of_node["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
            assert_eq!(found, [ids[at]]);
        }
        let first = root.get(&format!("{path}&limit=1")).await.ok();
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = root.get(&format!("{path}&limit=1&cursor={cursor}")).await.ok();
        assert_eq!([&first["items"][0]["id"], &second["items"][0]["id"]], [ids[0], ids[1]]);
        assert!(second["next_cursor"].is_null());
        let logins = ana.get("/auth/sessions").await.ok();
        assert_eq!(logins["items"][0]["connections"], 2, "{logins}");

        // The newer one is on the other node.
        assert_eq!(root.delete(&format!("/admin/sessions/{}", ids[0])).await.status, 204);
        assert_eq!(there.recv("disconnecting").await["reason"], json!("closed_by_admin"));
        there.closed().await;
        here.recv_pong().await;
        eventually(async || root.delete(&format!("/admin/sessions/{}", ids[0])).await.status == 404).await;
    });
}
