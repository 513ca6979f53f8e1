//! One node computes a simulation, and another one if that dies.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{Cluster, on_postgres};
use crate::support::{Person, Socket, eventually};

/// Takes seconds on the machines of today, so that there is time to look at it.
fn long() -> Value {
    let base_price = json!({"amount": 5_000, "currency": "EUR"});
    let scenario = json!({
        "category": "plumbing", "base_price": base_price, "steps": 1_000, "runs": 10_000, "seed": 7,
    });
    json!({"type": "run", "scenario": scenario})
}

const FLAGS: &[&str] =
    &["--simulation-threads=1", "--free-simulation-steps=1000", "--free-simulation-runs=10000"];

async fn open(person: &Person) -> Socket {
    let path = format!("/ws/simulate?token={}", person.token().unwrap());
    let mut socket = Socket::connect(person.address(), &path).await;
    socket.recv("connection_established").await;
    socket
}

/// How far this node is, if it is the one that computes it.
async fn done(person: &Person, address: &str) -> Option<u64> {
    person.get(address).await.ok()["progress"]["done"].as_u64()
}

#[test]
fn a_simulation_is_computed_by_one_node_and_by_another_if_that_dies() {
    on_postgres(async |url| {
        let mut cluster = Cluster::start_with(1, &url, FLAGS);
        let ben = cluster.register("ben", "provider").await;
        let started = open(&ben).await.ack(long()).await;
        let address = format!("/simulations/{}", started["simulation_id"].as_str().unwrap());
        eventually(async || done(&ben, &address).await > Some(0)).await;

        // It looks for work at once, and again when it has computed this.
        cluster.add_with(FLAGS);
        let there = cluster.at(1, &ben).await;
        let eve = Person::register(&cluster.nodes[1].client(None), "eve", "provider").await;
        let mut short = open(&eve).await;
        let mut scenario = long();
        scenario["scenario"]["steps"] = json!(2);
        let other = short.ack(scenario).await;
        while short.event("simulation.completed").await["data"]["simulation_id"] != other["simulation_id"] {}
        assert_eq!(done(&there, &address).await, None, "the second node computes something else");
        assert!(done(&ben, &address).await.is_some(), "the premise: the first one is not done yet");

        cluster.nodes.remove(0).kill();
        let taken_over = async {
            while done(&there, &address).await.is_none() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(40), taken_over).await.expect("16 s, or some more here");
    });
}
