//! Simulations on live connections.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, Socket, TestApp, id};

async fn open(app: &TestApp, who: &Person) -> Socket {
    let path = format!("/ws/simulate?token={}", who.token().unwrap());
    let mut socket = Socket::connect(app.address, &path).await;
    socket.recv("connection_established").await;
    socket
}

fn run(steps: u32, runs: u32) -> Value {
    let base_price = json!({"amount": 5_000, "currency": "EUR"});
    let scenario =
        json!({"category": "plumbing", "base_price": base_price, "steps": steps, "runs": runs, "seed": 7});
    json!({"type": "run", "scenario": scenario})
}

/// The event of this kind in this room: the user's own room has the same events.
async fn heard(socket: &mut Socket, room: &Value, kind: &str) -> Value {
    loop {
        let event = socket.event(kind).await;
        if event["room"] == *room {
            return event["data"].clone();
        }
    }
}

both_engines! {
    async fn who_runs_a_simulation_hears_all_of_it(app) {
        let ben = app.provider("ben").await;
        let mut socket = open(app, &ben).await;
        let started = socket.ack(run(10, 100)).await;
        for kind in ["simulation.created", "simulation.started"] {
            let event = heard(&mut socket, &started["room"], kind).await;
            assert_eq!(event["simulation_id"], started["simulation_id"]);
        }
        let completed = heard(&mut socket, &started["room"], "simulation.completed").await;
        let address = format!("/simulations/{}", started["simulation_id"].as_str().unwrap());
        assert_eq!(completed["result"], ben.get(&address).await.ok()["result"]);
    }

    async fn a_session_that_comes_back_hears_the_rest(app with ["--simulation-threads=2", "--free-simulation-runs=10000", "--free-simulation-steps=1000"]) {
        let (ben, eve) = (app.provider("ben").await, app.provider("eve").await);
        let started = open(app, &ben).await.ack(run(1_000, 10_000)).await;
        let mut back = open(app, &ben).await;
        back.ack(json!({"type": "join", "room": started["room"], "since": 0})).await;
        let progress = back.recv("simulation.progress").await;
        assert_eq!((&progress["simulation_id"], &progress["total"]), (&started["simulation_id"], &json!(10_000)));
        assert!(progress["done"].as_u64().unwrap() < 10_000, "{progress}");
        let refused = back.request(run(1, 2)).await;
        assert_eq!((&refused["code"], &refused["retry_after"]), (&json!("rate_limited"), &json!(10)), "{refused}");
        let told = loop {
            let progress = back.recv("simulation.progress").await;
            if progress["done"].as_u64() > Some(1) {
                break progress;
            }
        };
        for estimate in ["bookings", "revenue"] {
            let end = |name: &str| told[estimate][name].as_f64().unwrap();
            assert!(end("low") < end("value") && end("value") < end("high"), "{told}");
        }

        let cancel = json!({"type": "cancel", "simulation_id": started["simulation_id"]});
        assert_eq!(open(app, &eve).await.request(cancel.clone()).await["code"], "forbidden");
        back.ack(cancel).await;
        assert_eq!(heard(&mut back, &started["room"], "simulation.cancelled").await["state"], "cancelled");
        back.ack(run(1, 2)).await;
    }

    async fn what_cannot_be_run_is_refused(app) {
        let ben = app.provider("ben").await;
        let mut socket = open(app, &ben).await;
        let wrong = [
            ("category", json!("Plumbing & more")),
            ("base_price", json!({"amount": -1, "currency": "EUR"})),
            ("reference_price", json!({"amount": 1, "currency": "USD"})),
            ("steps", json!(91)),
            ("runs", json!(2_001)),
            ("runs", json!(1)),
            ("seed", json!("x")),
        ];
        for (field, value) in wrong {
            let mut command = run(1, 2);
            command["scenario"][field] = value;
            let refusal = socket.request(command).await;
            assert_eq!(refusal["code"], "invalid", "{refusal}");
            assert!(refusal["message"].as_str().unwrap().contains(field), "{refusal}");
        }
        for scenario in [json!(null), json!([1]), json!("x"), json!({"category": "plumbing"}), json!({"colour": 1})] {
            let refusal = socket.request(json!({"type": "run", "scenario": scenario})).await;
            assert_eq!(refusal["code"], "invalid", "{refusal}");
            assert!(refusal["message"].as_str().unwrap().contains("`scenario"), "{refusal}");
        }
        let listed = ben.get("/simulations").await.ok();
        assert_eq!(listed["items"], json!([]), "nothing was created");
        socket.ack(run(1, 2)).await;
        assert!(!id(&ben.get("/simulations").await.ok()["items"][0]).is_empty());
    }
}
