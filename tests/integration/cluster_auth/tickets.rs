//! A ticket of one server is good on every other, once.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::support::{Person, Process, Socket, eventually};

use super::Nodes;

async fn ticket(buyer: &Person, node: &Process) -> String {
    let client = node.client(buyer.token());
    client.post("/auth/ticket", Value::Null).await.ok()["ticket"].as_str().unwrap().to_owned()
}

/// Whether this ticket opens a session: the user's email, or the close code.
async fn show(ticket: &str, node: &Process) -> Result<Value, u16> {
    let mut socket = Socket::connect(node.address, &format!("/ws?ticket={ticket}")).await;
    let greeting = socket.try_recv("connection_established").await.map_err(|closed| closed.code)?;
    Ok(greeting["user_email"].clone())
}

#[test]
fn a_ticket_of_one_server_opens_a_session_on_the_other_once() {
    let Some(nodes) = Nodes::start(&[]) else { return };
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&nodes.one.client(None), "ana", "consumer").await;
        for (from, to) in [(&nodes.one, &nodes.other), (&nodes.other, &nodes.one), (&nodes.one, &nodes.one)] {
            let ticket = ticket(&ana, from).await;
            assert_eq!(show(&ticket, to).await.unwrap(), "ana@example.com");
            for node in [&nodes.one, &nodes.other] {
                assert_eq!(show(&ticket, node).await, Err(4001), "used");
            }
        }
        assert_eq!(nodes.rows("tickets"), Vec::<String>::new());
    });
}

#[test]
fn two_servers_that_are_shown_a_ticket_at_once_do_not_both_take_it() {
    let Some(nodes) = Nodes::start(&[]) else { return };
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&nodes.one.client(None), "ana", "consumer").await;
        for _ in 0..10 {
            let ticket = ticket(&ana, &nodes.one).await;
            let shown = nodes.take_turns().take(6).map(|node| show(&ticket, node));
            let shown = join_all(shown).await;
            assert_eq!(shown.iter().filter(|opened| opened.is_ok()).count(), 1, "{shown:?}");
            assert!(shown.iter().all(|opened| opened.is_ok() || *opened == Err(4001)), "{shown:?}");
        }
    });
}

#[test]
fn a_ticket_is_good_for_its_time_and_then_deleted() {
    let Some(nodes) = Nodes::start(&["--ticket-ttl=300ms", "--sweep-interval=1s"]) else { return };
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&nodes.one.client(None), "ana", "consumer").await;
        let late = ticket(&ana, &nodes.one).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        for node in [&nodes.other, &nodes.one] {
            assert_eq!(show(&late, node).await, Err(4001));
        }
        ticket(&ana, &nodes.other).await;
        eventually(async || nodes.rows("tickets").is_empty()).await;
    });
}

#[test]
fn who_asks_for_many_tickets_has_the_latest_few() {
    let Some(nodes) = Nodes::start(&[]) else { return };
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&nodes.one.client(None), "ana", "consumer").await;
        let ben = Person::register(&nodes.one.client(None), "ben", "provider").await;
        let of_ben = ticket(&ben, &nodes.one).await;
        let mut of_ana = Vec::new();
        for node in nodes.take_turns().take(40) {
            of_ana.push(ticket(&ana, node).await);
        }
        assert_eq!(nodes.rows("tickets").len(), 33, "32 of one user, and one of another");
        assert_eq!(show(&of_ana[7], &nodes.one).await, Err(4001));
        for ticket in [&of_ana[8], &of_ana[39]] {
            assert_eq!(show(ticket, &nodes.one).await.unwrap(), "ana@example.com");
        }
        assert_eq!(show(&of_ben, &nodes.other).await.unwrap(), "ben@example.com");
    });
}

#[test]
fn a_token_that_has_ended_takes_its_tickets_with_it() {
    let Some(nodes) = Nodes::start(&[]) else { return };
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&nodes.one.client(None), "ana", "consumer").await;
        let ticket = ticket(&ana, &nodes.one).await;
        nodes.other.client(ana.token()).post("/auth/logout", Value::Null).await.ok();
        // Another node knows a token for a moment; that it has ended is heard there within a second.
        eventually(async || ana.get("/auth/me").await.status == 401).await;
        assert_eq!(show(&ticket, &nodes.one).await, Err(4001));
    });
}

#[test]
fn made_up_tickets_use_up_the_rate_of_their_address_and_shut_out_no_neighbour() {
    let Some(nodes) = Nodes::start(&["--anonymous-requests=8"]) else { return };
    actix_web::rt::System::new().block_on(async {
        let ana = Person::register(&nodes.one.client(None), "ana", "consumer").await;
        let (used, good) = (ticket(&ana, &nodes.other).await, ticket(&ana, &nodes.other).await);
        show(&used, &nodes.one).await.unwrap();
        let made_up = format!("souk_tk_{}", "A".repeat(86));
        for shown in [&used, &made_up, "souk_tk_", "x"] {
            let refused = async || {
                let path = format!("/ws?ticket={shown}");
                Socket::connect_with(nodes.one.address, &path, &[]).await.is_err()
            };
            eventually(refused).await;
        }
        assert_eq!(show(&good, &nodes.one).await.unwrap(), "ana@example.com");
    });
}
