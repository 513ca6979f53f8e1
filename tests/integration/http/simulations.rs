//! Simulations: ownership, and the limit on a user's waiting simulations.

use futures_util::future::join_all;
use serde_json::{Value, json};
use souk::auth::{NewPassword, SignUp};
use souk::domain::users::{DisplayName, Plan, Role};

use crate::both_engines;
use crate::support::{PASSWORD, Person, TestApp, eventually, id};

fn scenario() -> Value {
    json!({"category": "plumbing", "base_price": {"amount": 5_000, "currency": "EUR"}, "steps": 10})
}

/// Creates this many concurrently; returns the number that succeeded. All others must be told to wait.
async fn ask(who: &Person, times: usize) -> usize {
    let answers = join_all((0..times).map(|_| async { who.post("/simulations", scenario()).await })).await;
    let (granted, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    for answer in refused {
        assert_eq!(answer.refused(429)["code"], "limited");
        assert!(answer.header("retry-after").is_some());
    }
    granted.len()
}

async fn on_plan(app: &TestApp, plan: Plan) -> Person {
    let email = format!("{plan}@example.com");
    let sign_up = SignUp {
        email: email.parse().unwrap(),
        password: NewPassword::parse(PASSWORD).unwrap(),
        display_name: DisplayName::parse(plan.as_str()).unwrap(),
        role: Role::Provider,
        plan,
    };
    app.server.auth.enroll(sign_up).await.unwrap();
    app.log_in(plan.as_str()).await
}

/// Creates one, and waits until it is done.
async fn done(who: &Person, scenario: Value) -> Value {
    let address = format!("/simulations/{}", id(&who.post("/simulations", scenario).await.ok()));
    eventually(async || who.get(&address).await.ok()["state"] == "done").await;
    who.get(&address).await.ok()
}

fn with(changes: &[(&str, u32)]) -> Value {
    let mut scenario = scenario();
    changes.iter().for_each(|(field, value)| scenario[*field] = json!(value));
    scenario
}

/// Leaves a waiting simulation with a currency that this version does not know.
async fn db_break_currency(app: &TestApp, simulation: &str) {
    let broken = format!("UPDATE simulations SET currency = 'BGN' WHERE id = '{simulation}'");
    let written = app.server.db.write(move |uow| {
        use diesel::connection::SimpleConnection as _;
        uow.conn().batch_execute(&broken)?;
        Ok::<_, souk::db::DbError>(())
    });
    written.await.unwrap();
}

both_engines! {
    async fn a_simulation_is_run_and_the_same_seed_brings_the_same(app) {
        let (ben, eve) = (app.provider("ben").await, app.provider("eve").await);
        let first = done(&ben, with(&[("seed", 7), ("runs", 100)])).await;
        let again = done(&ben, with(&[("seed", 7), ("runs", 100)])).await;
        let other = done(&ben, with(&[("seed", 8), ("runs", 100)])).await;
        assert_eq!(first["result"], again["result"]);
        assert_ne!(first["result"], other["result"]);
        let result = &first["result"];
        assert_eq!((&result["runs"], &first["progress"]), (&json!(100), &Value::Null));
        let bins = result["revenue"]["histogram"].as_array().unwrap();
        assert_eq!(bins.iter().map(|bin| bin["runs"].as_u64().unwrap()).sum::<u64>(), 100);
        let told = ["simulation.created", "simulation.started", "simulation.completed"];
        assert_eq!(app.db_kinds(first["room"].as_str().unwrap()).await, told);
        let joined = ben.live().await.ack(json!({"type": "join", "room": first["room"], "since": 0})).await;
        assert_eq!(&joined["events"][2]["data"]["result"], result);
        assert_eq!(ben.post(&format!("/simulations/{}/cancel", id(&first)), Value::Null).await.status, 409);
        assert_eq!(ben.get("/simulations").await.ok()["items"][0]["result"], Value::Null, "not in lists");

        let compare = |ids: &[&str]| format!("/simulations/compare?ids={}", ids.join(","));
        let both = [id(&other), id(&first)];
        assert_eq!(ben.get(&compare(&both)).await.ok()["items"], json!([other, first]));
        eve.get(&compare(&both)).await.refused(403);
        ben.get(&compare(&[both[0], "01890a5d-ac96-774b-bcce-b302099a8057"])).await.refused(404);
        for wrong in [vec![both[0]], vec![both[0], "7"], vec![both[0]; 11]] {
            assert_eq!(ben.get(&compare(&wrong)).await.refused(422)["errors"][0]["field"], "ids");
        }
    }

    async fn what_others_charge_decides_what_a_price_brings(app) {
        let ben = app.provider("ben").await;
        let mut expensive = with(&[("seed", 7)]);
        expensive["reference_price"] = json!({"amount": 4_000, "currency": "EUR"});
        let (usual, expensive) = (done(&ben, with(&[("seed", 7)])).await, done(&ben, expensive).await);
        let bookings = |of: &Value| of["result"]["bookings"]["mean"]["value"].as_f64().unwrap();
        assert!(bookings(&expensive) < bookings(&usual), "{expensive}");
        for wrong in [json!({"amount": 0, "currency": "EUR"}), json!({"amount": 5_000, "currency": "USD"})] {
            let mut scenario = scenario();
            scenario["reference_price"] = wrong;
            let problem = ben.post("/simulations", scenario).await.refused(422);
            assert_eq!(problem["errors"][0]["field"], "reference_price");
        }
    }

    async fn a_running_simulation_can_be_cancelled(app with ["--free-simulation-runs=10000", "--free-simulation-steps=1000"]) {
        let ben = app.provider("ben").await;
        let largest = with(&[("steps", 1_000), ("runs", 10_000)]);
        let address = format!("/simulations/{}", id(&ben.post("/simulations", largest).await.ok()));
        eventually(async || {
            let simulation = ben.get(&address).await.ok();
            simulation["state"] == "running" && simulation["progress"]["done"].as_u64() > Some(0)
        })
        .await;
        let cancelled = ben.post(&format!("{address}/cancel"), Value::Null).await.ok();
        assert_eq!((&cancelled["state"], &cancelled["progress"]), (&json!("cancelled"), &Value::Null));
        assert_eq!(done(&ben, scenario()).await["result"]["runs"], 1_000, "the thread is free again");
        assert_eq!(ben.get(&address).await.ok()["state"], "cancelled");
    }

    async fn a_simulation_waits_until_its_owner_calls_it_off(app with ["--simulation-threads=0"]) {
        let ben = app.provider("ben").await;
        let mut wanted = scenario();
        wanted["seed"] = json!(4_294_967_295_u32);
        let asked = ben.post("/simulations", wanted.clone()).await;
        let simulation = asked.refused(201);
        for field in ["category", "base_price", "steps", "seed"] {
            assert_eq!(simulation[field], wanted[field], "{field}");
        }
        assert_eq!((&simulation["state"], &simulation["allowed_actions"]), (&json!("pending"), &json!(["cancel"])));
        let address = asked.header("location").unwrap();
        assert_eq!(ben.get(address).await.ok(), simulation);
        let cancel = format!("{address}/cancel");
        let cancelled = ben.post(&cancel, Value::Null).await;
        assert_eq!((&cancelled.ok()["state"], &cancelled.ok()["version"]), (&json!("cancelled"), &json!(2)));
        assert_eq!(cancelled.ok()["allowed_actions"], json!([]));
        assert_eq!(ben.post(&cancel, Value::Null).await.ok(), cancelled.ok(), "it is there already");
        let told = ["simulation.created", "simulation.cancelled"];
        assert_eq!(app.db_kinds(simulation["room"].as_str().unwrap()).await, told);
        assert_eq!(app.db_kinds(&format!("user:{}", ben.id)).await, told);
        assert_eq!(app.db_kinds("admin").await, [""; 0]);
    }

    async fn a_seed_is_made_up_where_it_does_not_matter(app with ["--free-simulations=2"]) {
        let ben = app.provider("ben").await;
        let first = ben.post("/simulations", scenario()).await.ok();
        let second = ben.post("/simulations", scenario()).await.ok();
        assert!(first["seed"].is_u64());
        assert_ne!(first["seed"], second["seed"]);
    }

    async fn nobody_else_sees_it_not_even_an_admin(app with ["--simulation-threads=0"]) {
        let (ben, eve, root) =
            (app.provider("ben").await, app.consumer("eve").await, app.db_admin("root").await);
        let simulation = ben.post("/simulations", scenario()).await.ok();
        let address = format!("/simulations/{}", id(&simulation));
        for stranger in [&eve, &root] {
            let refusal = stranger.get(&address).await.refused(403);
            assert_eq!(refusal["detail"], "to read this simulation you must be its owner");
            let refusal = stranger.post(&format!("{address}/cancel"), Value::Null).await.refused(403);
            assert_eq!(refusal["detail"], "to cancel this simulation you must be its owner");
            assert_eq!(stranger.get("/simulations").await.ok()["items"], json!([]));
            let join = json!({"type": "join", "room": simulation["room"]});
            assert_eq!(stranger.live().await.request(join).await["code"], "forbidden");
        }
        assert_eq!(ben.get(&address).await.ok()["state"], "pending");
        ben.live().await.ack(json!({"type": "join", "room": simulation["room"]})).await;
        ben.get("/simulations/01890a5d-ac96-774b-bcce-b302099a8057").await.refused(404);
    }

    async fn as_many_wait_as_the_plan_allows_and_no_more(app with ["--free-simulations=3", "--simulation-threads=0"]) {
        let (ben, eve) = (app.provider("ben").await, app.consumer("eve").await);
        assert_eq!(ask(&ben, 16).await, 3);
        assert_eq!(ask(&ben, 1).await, 0);
        assert_eq!(ask(&eve, 1).await, 1, "each has their own");
        let page = ben.get("/simulations?limit=2").await.ok();
        let rest = ben.get(&format!("/simulations?cursor={}", page["next_cursor"].as_str().unwrap())).await.ok();
        assert_eq!((page["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (2, 1));

        // Cancelling one, however often, frees one place.
        let cancel = format!("/simulations/{}/cancel", id(&page["items"][0]));
        let cancelled = join_all((0..4).map(|_| async { ben.post(&cancel, Value::Null).await })).await;
        assert!(cancelled.iter().all(|answer| answer.ok() == cancelled[0].ok()));
        assert_eq!(ask(&ben, 16).await, 1);
    }

    async fn a_better_plan_allows_more(app with ["--simulation-threads=0"]) {
        for (plan, allowed) in [(Plan::Free, 1), (Plan::Pro, 5), (Plan::Enterprise, 20)] {
            let person = on_plan(app, plan).await;
            assert_eq!(ask(&person, allowed + 1).await, allowed, "{plan}");
        }
    }

    async fn what_cannot_be_simulated_is_refused_with_its_reasons(app) {
        let ben = app.provider("ben").await;
        let wrong = json!({
            "category": "Plumbing & more", "base_price": {"amount": -1, "currency": "EUR"}, "steps": 91,
        });
        let problem = ben.post("/simulations", wrong).await.refused(422);
        let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["category", "base_price", "steps"]);
        for (field, value) in [("steps", json!(0)), ("runs", json!(1)), ("runs", json!(10_001)), ("seed", json!(-1)), ("seed", json!(4_294_967_296_u64))] {
            let mut wrong = scenario();
            wrong[field] = value;
            assert_eq!(ben.post("/simulations", wrong).await.refused(422)["errors"][0]["field"], field);
        }
        assert_eq!(ask(&ben, 1).await, 1, "what was refused takes no place");
    }

    async fn a_sample_of_ones_own_replaces_the_history(app) {
        let ben = app.provider("ben").await;
        let observation = |i: i64| json!({"price": 4_000 + 20 * i, "accepted": i < 50});
        let sample = json!({"requests_per_day": 4, "observations": (0..100).map(observation).collect::<Vec<_>>()});
        let mut sampled = with(&[("seed", 7)]);
        sampled["sample"] = sample;
        let simulation = done(&ben, sampled).await;
        let market = &simulation["market"];
        assert_eq!((&market["basis"], &market["decisions_seen"]), (&json!("sample"), &json!(100)));
        assert_eq!((&market["reference_price"], &market["requests_per_step"]), (&json!(4_990), &json!(4.0)));
        let rate = |percent: i64| {
            let points = simulation["result"]["acceptance"].as_array().unwrap();
            points.iter().find(|point| point["percent"] == percent).unwrap()["rate"].as_f64().unwrap()
        };
        assert!(rate(75) > 0.95 && rate(125) < 0.05, "{}", simulation["result"]["acceptance"]);

        let some = |count: usize, price: i64| json!(vec![json!({"price": price, "accepted": true}); count]);
        let wrong = [
            json!({"observations": some(9, 1)}),
            json!({"observations": some(1_001, 1)}),
            json!({"observations": some(10, -1)}),
            json!({"observations": some(10, 1), "requests_per_day": 0}),
            json!({"observations": some(10, 1), "requests_per_day": 1e300}),
        ];
        for wrong in wrong {
            let mut scenario = scenario();
            scenario["sample"] = wrong;
            assert_eq!(ben.post("/simulations", scenario).await.refused(422)["errors"][0]["field"], "sample");
        }
    }

    async fn a_full_day_declines_or_defers(app) {
        let ben = app.provider("ben").await;
        let with_slots = |when_full: &str| {
            let mut scenario = with(&[("seed", 7), ("steps", 30)]);
            scenario["slots"] = json!({"per_day": 1, "when_full": when_full});
            scenario
        };
        let (declined, deferred) =
            (done(&ben, with_slots("decline")).await, done(&ben, with_slots("defer")).await);
        assert_eq!(deferred["slots"], json!({"per_day": 1, "when_full": "defer"}));
        let bookings = |of: &Value| of["result"]["bookings"]["mean"]["value"].as_f64().unwrap();
        assert!(bookings(&declined) < bookings(&deferred) && bookings(&deferred) <= 30.0, "{deferred}");
        for wrong in [json!({"per_day": 0}), json!({"per_day": 101}), json!({"per_day": 1, "when_full": "x"})] {
            let mut scenario = scenario();
            scenario["slots"] = wrong;
            assert_eq!(ben.post("/simulations", scenario).await.refused(422)["errors"][0]["field"], "slots");
        }
    }

    async fn the_marketplaces_history_is_the_market_where_it_says_enough(app with ["--free-simulations=5"]) {
        let mut consumers = Vec::new();
        let mut providers = Vec::new();
        for i in 0..5 {
            consumers.push(app.consumer(&format!("ana{i}")).await);
            providers.push(app.provider(&format!("ben{i}")).await);
        }
        let eve = app.provider("eve").await;
        for i in 0..30_usize {
            let (ana, cheap, dear) = (&consumers[i % 5], &providers[i % 5], &providers[(i + 1) % 5]);
            let request = app.request(ana).await;
            let offers = format!("/requests/{}/offers", id(&request));
            let mut offer = app.usual_offer(100 + i as u64);
            offer["price"]["amount"] = json!(4_000);
            let taken = cheap.post(&offers, offer.clone()).await.ok();
            offer["price"]["amount"] = json!(6_000);
            dear.post(&offers, offer).await.ok();
            app.accept(ana, &taken).await;
            if i == 28 {
                let early = done(&eve, with(&[("runs", 2)])).await;
                assert_eq!(early["market"]["basis"], "defaults", "29 are too few");
            }
        }
        let young = done(&eve, with(&[("runs", 2)])).await;
        assert_eq!(young["market"]["basis"], "defaults", "a day cannot be told from an hour");

        app.clock.advance(std::time::Duration::from_secs(15 * 43_200));
        let eve = app.log_in("eve").await;
        let simulation = done(&eve, with(&[("seed", 7)])).await;
        let market = &simulation["market"];
        assert_eq!((&market["basis"], &market["decisions_seen"]), (&json!("history"), &json!(30)), "{market}");
        assert_eq!((&market["reference_price"], &market["rivals_per_request"]), (&json!(5_000), &json!(2.0)));
        assert_eq!(market["requests_per_step"], 4.0, "30 in a week and a half day, roughly");
        assert!(market["sensitivity"].as_f64() > Some(5.0), "the cheaper one was always taken: {market}");

        let near = |latitude: f64| {
            let mut scenario = with(&[("runs", 2)]);
            scenario["place"] = json!({"latitude": latitude, "longitude": 13.4, "radius_km": 25});
            scenario
        };
        assert_eq!(done(&eve, near(52.53)).await["market"]["basis"], "history");
        assert_eq!(done(&eve, near(52.93)).await["market"]["basis"], "defaults", "44 km away");
        let mut wrong = near(52.53);
        wrong["place"]["radius_km"] = json!(7);
        assert_eq!(eve.post("/simulations", wrong).await.refused(422)["errors"][0]["field"], "place");

        // What others charge is compared with a price of one's own, and the market stays the same.
        let acceptance = |of: &Value| of["result"]["acceptance"][3]["rate"].as_f64().unwrap();
        let mut compared = with(&[("seed", 7)]);
        compared["reference_price"] = json!({"amount": 7_500, "currency": "EUR"});
        let compared = done(&eve, compared).await;
        assert_eq!(compared["market"]["reference_price"], 7_500);
        let worth = |market: &Value| market["appeal"].as_f64().unwrap() + market["sensitivity"].as_f64().unwrap();
        assert!((worth(&compared["market"]) - worth(market)).abs() < 1e-6, "of an offer at price 0: {compared}");
        assert!(acceptance(&compared) >= acceptance(&simulation), "rivals are dearer");
        let mut other = with(&[("runs", 2)]);
        other["base_price"]["currency"] = json!("USD");
        assert_eq!(done(&eve, other).await["market"]["basis"], "defaults", "no offers in dollars");
    }

    async fn a_row_that_cannot_be_read_fails_alone_and_users_take_turns(app with ["--free-simulations=5", "--free-simulation-runs=10000", "--free-simulation-steps=1000"]) {
        let (ben, eve) = (app.provider("ben").await, app.provider("eve").await);
        let largest = with(&[("steps", 1_000), ("runs", 10_000)]);
        let before = format!("/simulations/{}", id(&eve.post("/simulations", largest).await.ok()));
        eventually(async || eve.get(&before).await.ok()["state"] == "running").await;
        let simulation = ben.post("/simulations", with(&[("runs", 2)])).await.ok();
        let mut live = ben.live().await;
        let broken = id(&simulation).to_owned();
        db_break_currency(app, &broken).await;
        let more = ben.post("/simulations", with(&[("runs", 2)])).await.ok();
        eve.post(&format!("{before}/cancel"), Value::Null).await.ok();
        assert_eq!(done(&eve, with(&[("runs", 2)])).await["state"], "done", "nobody waits behind it");
        let address = format!("/simulations/{}", id(&more));
        eventually(async || ben.get(&address).await.ok()["state"] == "done").await;
        loop {
            let event = live.event("simulation.failed").await;
            if event["data"]["simulation_id"] == *broken {
                break;
            }
        }
        let limits = ben.get("/me/limits").await.ok();
        assert_eq!(limits["simulations"]["used"], 0, "it takes no place any more");
    }

    async fn a_suspended_users_simulation_ends(app with ["--free-simulation-runs=10000", "--free-simulation-steps=1000"]) {
        let (ben, eve, root) = (app.provider("ben").await, app.provider("eve").await, app.db_admin("root").await);
        let largest = with(&[("steps", 1_000), ("runs", 10_000)]);
        let address = format!("/simulations/{}", id(&ben.post("/simulations", largest).await.ok()));
        eventually(async || ben.get(&address).await.ok()["state"] == "running").await;
        app.db_suspend(&root, &ben).await;
        assert_eq!(done(&eve, with(&[("runs", 2)])).await["state"], "done");
    }

    async fn a_day_has_room_for_as_many_as_the_plan_says(app with ["--free-simulations=10", "--free-simulations-per-day=3", "--simulation-threads=0"]) {
        let ben = app.provider("ben").await;
        assert_eq!(ask(&ben, 8).await, 3);
        let cancel = format!("/simulations/{}/cancel", id(&ben.get("/simulations").await.ok()["items"][0]));
        ben.post(&cancel, Value::Null).await.ok();
        let answer = ben.post("/simulations", scenario()).await;
        answer.refused(429);
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=86_400).contains(&wait), "{wait}");
        let limits = ben.get("/me/limits").await.ok();
        assert_eq!(limits["simulations_per_day"], json!({"limit": 3, "used": 3}));
        app.clock.advance(std::time::Duration::from_secs(wait));
        let ben = app.log_in("ben").await;
        assert_eq!(ask(&ben, 8).await, 3, "another day");
    }

    async fn a_simulation_that_is_asked_for_again_is_one(app with ["--simulation-threads=0"]) {
        let ben = app.provider("ben").await;
        let answers = join_all((0..8).map(|_| async { ben.post("/simulations", scenario()).key("k1").await })).await;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.ok() == answers[0].ok()));
        assert_eq!(ask(&ben, 1).await, 0, "the plan's only one");
    }
}
