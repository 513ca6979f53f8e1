//! Passwords cannot be guessed, and guessing does not lock others out.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Answer, Client, PASSWORD, TestApp};

const WRONG: &str = "wrong password";

async fn log_in(client: &Client, password: &str) -> Answer {
    client.post("/auth/token", json!({"email": "ana@example.com", "password": password})).await
}

async fn log_in_with(client: &Client, password: &str, device: &Value) -> Answer {
    let form = json!({"email": "ana@example.com", "password": password, "device_token": device});
    client.post("/auth/token", form).await
}

/// Registers a user from 127.0.0.1; returns the tokens.
async fn register(app: &TestApp, name: &str) -> Value {
    let form = json!({"email": format!("{name}@example.com"), "password": PASSWORD, "role": "consumer"});
    app.anyone().post("/auth/register", form).await.ok()
}

/// Guesses until throttled; returns the number of guesses that were checked.
async fn guess(client: &Client) -> usize {
    for verified in 0..1000 {
        match log_in(client, WRONG).await.status {
            401 => {}
            429 => return verified,
            other => panic!("{other}"),
        }
    }
    panic!("nothing stops the guessing");
}

both_engines! {
    async fn a_stranger_locks_nobody_out(app) {
        register(app, "ana").await;
        let stranger = app.anyone().at("127.0.0.2");
        assert_eq!(guess(&stranger).await, 10);
        // Nor by continuing to guess.
        app.clock.advance(Duration::from_secs(90));
        assert_eq!(guess(&stranger).await, 1);

        log_in(&app.anyone(), PASSWORD).await.ok();
        log_in(&app.anyone().at("127.0.1.1"), PASSWORD).await.ok();
        // Unknown clients in the attacker's network are throttled with them.
        let neighbour = log_in(&app.anyone().at("127.0.0.3"), PASSWORD).await;
        neighbour.refused(429);
        let wait: u64 = neighbour.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=90).contains(&wait), "{wait}");
    }

    async fn guessing_from_many_networks_slows_strangers_alone(
        app with ["--logins-per-account=3", "--logins-per-account-anywhere=7"]
    ) {
        let tokens = register(app, "ana").await;
        let others = register(app, "ben").await;
        assert_eq!(guess(&app.anyone().at("127.0.1.1")).await, 3);
        assert_eq!(guess(&app.anyone().at("127.0.2.1")).await, 3);
        assert_eq!(guess(&app.anyone().at("127.0.3.1")).await, 1);

        let elsewhere = app.anyone().at("127.0.4.1");
        let refused = log_in(&elsewhere, PASSWORD).await;
        refused.refused(429);
        assert!(refused.header("retry-after").is_some());
        for device in [&others["device_token"], &tokens["access_token"], &json!("x"), &json!("")] {
            log_in_with(&elsewhere, PASSWORD, device).await.refused(429);
        }
        log_in_with(&elsewhere, PASSWORD, &tokens["device_token"]).await.ok();
        log_in(&app.anyone(), PASSWORD).await.ok();
        // An address with an earlier login is recognised without a token, too.
        log_in(&elsewhere, PASSWORD).await.ok();
    }

    async fn a_known_device_has_guesses_of_its_own(app with ["--logins-per-account=3", "--logins-per-address=5"]) {
        let tokens = register(app, "ana").await;
        let device = &tokens["device_token"];
        // Another client behind the same address exhausts the address's budget.
        assert_eq!(guess(&app.anyone()).await, 3);
        for n in 0..1 {
            let form = json!({"email": format!("nobody{n}@example.com"), "password": WRONG});
            app.anyone().post("/auth/token", form).await.refused(401);
        }
        let form = json!({"email": "nobody@example.com", "password": WRONG});
        app.anyone().post("/auth/token", form).await.refused(429);
        log_in(&app.anyone(), PASSWORD).await.refused(429);
        log_in_with(&app.anyone(), PASSWORD, device).await.ok();
        for _ in 0..3 {
            log_in_with(&app.anyone(), WRONG, device).await.refused(401);
        }
        log_in_with(&app.anyone(), PASSWORD, device).await.refused(429);
        app.clock.advance(Duration::from_secs(300));
        log_in_with(&app.anyone(), PASSWORD, device).await.ok();
    }

    async fn a_device_is_forgotten_in_time_and_its_token_is_good_for_nothing_else(
        app with ["--logins-per-account=1", "--device-ttl=1h"]
    ) {
        let tokens = register(app, "ana").await;
        let device = tokens["device_token"].as_str().unwrap();
        app.with_token(device).get("/auth/me").await.refused(401);
        app.clock.advance(Duration::from_secs(59 * 60));
        let elsewhere = app.anyone().at("127.0.4.1");
        guess(&elsewhere).await;
        log_in_with(&elsewhere, PASSWORD, &json!(device)).await.ok();
        app.clock.advance(Duration::from_secs(60));
        let third = app.anyone().at("127.0.5.1");
        guess(&third).await;
        log_in_with(&third, PASSWORD, &json!(device)).await.refused(429);
    }

    async fn right_passwords_at_once_are_all_let_in(app with ["--logins-per-account=3", "--logins-per-address=5"]) {
        register(app, "ana").await;
        let (known, stranger) = (app.anyone(), app.anyone().at("127.0.4.1"));
        let answers = join_all((0..30).map(|n| log_in(if n % 2 == 0 { &known } else { &stranger }, PASSWORD)));
        for answer in answers.await {
            answer.ok();
        }
    }

    async fn a_burst_of_guesses_is_judged_no_further_than_guesses_go(
        app with ["--logins-per-account=5", "--argon2-concurrency=4"]
    ) {
        register(app, "ana").await;
        let stranger = app.anyone().at("127.0.0.2");
        let answers = join_all((0..60).map(|_| log_in(&stranger, WRONG))).await;
        let count = |status| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((count(401), count(429)), (5, 55));
    }

    async fn what_was_not_judged_is_not_counted(
        app with ["--logins-per-account=5", "--argon2-concurrency=1", "--argon2-queue=1"]
    ) {
        register(app, "ana").await;
        let stranger = app.anyone().at("127.0.0.2");
        let mut verified = 0;
        let mut shed = 0;
        while verified < 4 {
            let answers = join_all((0..8).map(|_| log_in(&stranger, WRONG))).await;
            verified += answers.iter().filter(|answer| answer.status == 401).count();
            shed += answers.iter().filter(|answer| answer.status == 503).count();
            if answers.iter().any(|answer| answer.status == 429) {
                break;
            }
        }
        verified += guess(&stranger).await;
        assert_eq!(verified, 5);
        assert!(shed > 0, "nothing was shed");
    }
}
