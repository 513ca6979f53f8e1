//! A server that is killed in the middle of a simulation.

use std::time::Duration;

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Client, Database, Person, Process, eventually, id};

const ONE_THREAD: &[&str] =
    &["--simulation-threads=1", "--free-requests=1000000", "--free-simulation-steps=1000"];
const TWO_THREADS: &[&str] =
    &["--simulation-threads=2", "--free-requests=1000000", "--free-simulation-steps=1000"];

fn scenario() -> Value {
    let base_price = json!({"amount": 5_000, "currency": "EUR"});
    json!({"category": "plumbing", "base_price": base_price, "steps": 1_000, "runs": 1_000, "seed": 7})
}

async fn result(who: &Client, address: &str) -> Value {
    // On PostgreSQL the killed server counts as alive for 10 s, in which nobody takes its work over.
    let done = async {
        loop {
            let simulation = who.get(address).await.ok();
            if simulation["state"] == "done" {
                return simulation["result"].clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), done).await.expect("16 s and the time that it takes")
}

both_engines! {
    fn a_simulation_survives_its_server_and_brings_the_same(database) {
        actix_web::rt::System::new().block_on(survive(database));
    }
}

async fn survive(database: &Database) {
    let url = database.url();
    let first = Process::start("127.0.0.1:0", &url, ONE_THREAD);
    let ben = Person::register(&first.client(None), "ben", "provider").await;
    let address = format!("/simulations/{}", id(&ben.post("/simulations", scenario()).await.ok()));
    eventually(async || ben.get(&address).await.ok()["progress"]["done"].as_u64() > Some(0)).await;
    let unfinished = ben.get(&address).await.ok();
    first.kill();
    assert_eq!(unfinished["state"], "running", "the premise");

    let second = Process::start("127.0.0.1:0", &url, TWO_THREADS);
    let ben = second.client(ben.token());
    let survived = result(&ben, &address).await;
    let undisturbed = format!("/simulations/{}", id(&ben.post("/simulations", scenario()).await.ok()));
    assert_eq!(result(&ben, &undisturbed).await, survived);
    assert_eq!(survived["runs"], 1_000);
    assert!(second.terminate().success());
}
