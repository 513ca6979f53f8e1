//! Guesses that are spread over two servers meet the limit of one.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, PASSWORD};

use super::{Nodes, WRONG, log_in, log_in_with, verdicts};

const ANA: &str = "ana@example.com";

/// Registers from 127.0.0.1; returns the tokens.
async fn register(anyone: &Client, name: &str) -> Value {
    let form = json!({"email": format!("{name}@example.com"), "password": PASSWORD, "role": "consumer"});
    anyone.post("/auth/register", form).await.ok()
}

/// Guesses from this address at the servers in turn; returns how many of 14 guesses were verified.
async fn guess(nodes: &Nodes, from: &str) -> usize {
    let mut answers = Vec::new();
    for node in nodes.take_turns().take(14) {
        answers.push(log_in(&node.client(None).at(from), ANA, WRONG).await);
    }
    verdicts(&answers).0
}

#[test]
fn guesses_at_an_account_are_counted_by_all_servers_together_and_lock_no_owner_out() {
    let flags = ["--logins-per-account=5", "--logins-per-account-anywhere=9"];
    let Some(nodes) = Nodes::start(&flags) else { return };
    actix_web::rt::System::new().block_on(async {
        let device = register(&nodes.one.client(None), "ana").await["device_token"].clone();
        assert_eq!(guess(&nodes, "127.0.0.2").await, 5);
        assert_eq!(guess(&nodes, "127.0.0.3").await, 0, "the same network");
        assert_eq!(guess(&nodes, "127.0.2.1").await, 4, "all strangers together");
        for node in [&nodes.one, &nodes.other] {
            let stranger = log_in(&node.client(None).at("127.0.4.1"), ANA, PASSWORD).await;
            stranger.refused(429);
            let wait: u64 = stranger.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=100).contains(&wait), "{wait}");
            log_in(&node.client(None), ANA, PASSWORD).await.ok();
            log_in_with(&node.client(None).at("127.0.9.1"), ANA, PASSWORD, &device).await.ok();
        }
        // A known device's own guesses are counted together, too.
        let mut answers = Vec::new();
        for node in nodes.take_turns().take(8) {
            let client = node.client(None).at("127.0.9.2");
            answers.push(log_in_with(&client, ANA, WRONG, &device).await);
        }
        assert_eq!(verdicts(&answers), (5, 3));
    });
}

#[test]
fn guesses_and_registrations_of_an_address_are_counted_by_all_servers_together() {
    let Some(nodes) = Nodes::start(&["--logins-per-address=6"]) else { return };
    actix_web::rt::System::new().block_on(async {
        let mut answers = Vec::new();
        for (n, node) in nodes.take_turns().take(12).enumerate() {
            let client = node.client(None).at("127.0.0.2");
            answers.push(log_in(&client, &format!("nobody{n}@example.com"), WRONG).await);
        }
        assert_eq!(verdicts(&answers), (6, 6));
        for node in [&nodes.one, &nodes.other] {
            let form = json!({"email": "new@example.com", "password": PASSWORD, "role": "consumer"});
            node.client(None).at("127.0.0.2").post("/auth/register", form).await.refused(429);
        }
        for (n, node) in nodes.take_turns().take(6).enumerate() {
            register(&node.client(None), &format!("user{n}")).await;
        }
        log_in(&nodes.other.client(None), "nobody@example.com", WRONG).await.refused(429);
    });
}

#[test]
fn a_burst_at_all_servers_is_verified_no_further_than_guesses_go() {
    let Some(nodes) = Nodes::start(&["--logins-per-account=5", "--argon2-concurrency=4"]) else { return };
    actix_web::rt::System::new().block_on(async {
        register(&nodes.one.client(None), "ana").await;
        let stranger = |node: &crate::support::Process| node.client(None).at("127.0.0.2");
        let clients = [stranger(&nodes.one), stranger(&nodes.other)];
        let answers = join_all((0..60).map(|n| log_in(&clients[n % 2], ANA, WRONG))).await;
        assert_eq!(verdicts(&answers), (5, 55));
    });
}

#[test]
fn right_passwords_at_once_are_all_let_in_by_all_servers() {
    let Some(nodes) = Nodes::start(&["--logins-per-account=3", "--logins-per-address=5"]) else { return };
    actix_web::rt::System::new().block_on(async {
        register(&nodes.one.client(None), "ana").await;
        let clients: Vec<_> = nodes
            .take_turns()
            .take(2)
            .flat_map(|node| [node.client(None), node.client(None).at("127.0.4.1")])
            .collect();
        for answer in join_all((0..24).map(|n| log_in(&clients[n % 4], ANA, PASSWORD))).await {
            answer.ok();
        }
    });
}
