//! Kills at random moments: clients chat and accept offers while the server is killed repeatedly, and retry
//! unanswered calls with the same keys. In the end everything acknowledged exists exactly once and in order,
//! no client saw an event twice or missed one, and each request has one booking.
//!
//! `SOUK_KILLS` sets the number of kills (default 20); `SOUK_SEED` repeats the moments of an earlier run.

mod offers;
mod server;
mod chat;

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use chat::ChatClient;
use offers::{Chosen, OfferClient};
use server::{KilledServer, Pulse};

use crate::both_engines;
use crate::support::{Database, Person};

/// Upper bound on any machine; beyond this, a client is waiting for something that never comes.
const LIMIT: Duration = Duration::from_secs(600);

both_engines! {
    fn nothing_acknowledged_is_lost_or_done_twice(database) {
        let seed = number("SOUK_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        let kills = number("SOUK_KILLS").unwrap_or(20);
        // Not `eprintln`, which is captured for passing tests: a slow or odd run can be repeated as well.
        let _ = writeln!(std::io::stderr(), "killed {kills} times with SOUK_SEED={seed}");
        let run = async { tokio::time::timeout(LIMIT, live_through(database, seed, kills)).await };
        actix_web::rt::System::new().block_on(run).expect("everybody gets an answer in time");
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var_os(variable).map(|value| value.to_str().unwrap().parse().unwrap())
}

async fn live_through(database: &Database, seed: u64, kills: u64) {
    let server = KilledServer::start(database, seed, kills);
    let anyone = server.anyone();
    let ana = Person::register(&anyone, "ana", "consumer").await;
    let ben = Person::register(&anyone, "ben", "provider").await;
    let cleo = Person::register(&anyone, "cleo", "provider").await;
    let mut offers = OfferClient::new(&ana, [&ben, &cleo]);
    let session = offers.open_session().await;
    let room = format!("session:{session}");
    let (mut of_ana, mut of_ben) = (ChatClient::new(&ana, &room), ChatClient::new(&ben, &room));

    let mortality = server.begin();
    let pulse = mortality.pulse();
    tokio::join!(of_ana.talk(&pulse), of_ben.talk(&pulse), offers.choose(&pulse));
    let survivor = mortality.survivor();

    let log = ana.read_log(&room).await;
    for chat in [&mut of_ana, &mut of_ben] {
        chat.catch_up().await;
        assert_eq!(chat.seen, log, "{} saw what happened, once and in order", chat.name);
        assert!(chat.acked.len() as u64 > kills / 2, "{} said next to nothing", chat.name);
        chat.assert_acks_are_kept(&log);
    }
    let names: Vec<_> = log.iter().filter_map(|event| event["data"]["client_msg_id"].as_str()).collect();
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len(), "a message was stored twice");

    assert!(!offers.chosen.is_empty(), "nothing was chosen");
    let (events, choices) = (log.len(), offers.chosen.len());
    let _ = writeln!(std::io::stderr(), "SOUK_SEED={seed}: {events} events, {choices} choices");
    let bookings = ana.get("/bookings?limit=100").await.ok();
    for Chosen { request, winner, .. } in &offers.chosen {
        let of_request: Vec<_> = bookings["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|b| b["request_id"] == request.as_str())
            .collect();
        assert_eq!(of_request.len(), 1, "one booking of {request}");
        assert_eq!(of_request[0]["offer_id"], winner.as_str());
    }
    assert!(survivor.terminate().success());
}
