//! The sweeper: what expires by itself.

use std::time::Duration;

use serde_json::{Value, json};
use souk::server::scheduler::{Swept, sweep};

use crate::both_engines;
use crate::support::{Person, TestApp};

const DAY: Duration = Duration::from_secs(86_400);

async fn ask(ana: &Person) -> String {
    let request = json!({"category": "plumbing", "title": "Fix the sink", "budget": {"max": 20_000, "currency": "EUR"}});
    ana.post("/requests", request).await.ok()["id"].as_str().unwrap().to_owned()
}

async fn offer(app: &TestApp, ben: &Person, request: &str) -> String {
    let start = app.clock.now().plus(10 * DAY);
    let slot = json!({"start": start, "end": start.plus(Duration::from_secs(3600))});
    let offer = json!({"price": {"amount": 9_000, "currency": "EUR"}, "slot": slot});
    ben.post(&format!("/requests/{request}/offers"), offer).await.ok()["id"].as_str().unwrap().to_owned()
}

fn kinds(events: &[souk::events::Envelope]) -> Vec<&str> {
    events.iter().map(|event| &*event.kind).collect()
}

both_engines! {
    async fn what_is_overdue_expires_once_and_those_concerned_hear_of_it(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let request = ask(&ana).await;
        let early = offer(app, &ben, &request).await;
        assert_eq!(sweep(&app.server).await.unwrap(), Swept::default(), "nothing is overdue yet");

        app.clock.advance(4 * DAY);
        assert_eq!(sweep(&app.server).await.unwrap(), Swept { offers: 1, ..Swept::default() });
        let ben = app.log_in("ben").await;
        assert_eq!(ben.get(&format!("/offers/{early}")).await.ok()["state"], "expired");

        app.clock.advance(11 * DAY);
        let swept = sweep(&app.server).await.unwrap();
        assert_eq!((swept.requests, swept.offers), (1, 0));
        let ana = app.log_in("ana").await;
        assert_eq!(ana.get(&format!("/requests/{request}")).await.ok()["state"], "expired");
        let received = app.db_events(&format!("user:{}", ana.id)).await;
        let received = kinds(&received);
        let (before, swept) = received.split_at(3);
        assert_eq!(before, ["request.published", "session.opened", "offer.submitted"]);
        assert_eq!(swept, ["offer.expired", "request.expired"]);
        let swept = sweep(&app.server).await.unwrap();
        assert_eq!((swept.requests, swept.offers), (0, 0), "once is enough");
    }

    async fn an_answer_is_forgotten_when_nobody_can_want_it_any_more(app with ["--idempotency-ttl", "1h"]) {
        let ana = app.consumer("ana").await;
        let request = json!({"category": "plumbing", "title": "Fix the sink", "budget": {"currency": "EUR"}});
        let post = || ana.post("/requests", request.clone()).key("once");
        let first: Value = post().await.ok();
        assert_eq!(post().await.ok()["id"], first["id"]);
        assert_eq!(sweep(&app.server).await.unwrap().answers, 0);
        app.clock.advance(Duration::from_secs(3601));
        assert_eq!(sweep(&app.server).await.unwrap().answers, 1);
        let ana = app.log_in("ana").await;
        let again = ana.post("/requests", request.clone()).key("once").await.ok();
        assert_ne!(again["id"], first["id"]);
    }

    async fn the_server_sweeps_by_itself(app with ["--sweep-interval", "20ms"]) {
        let ana = app.consumer("ana").await;
        ask(&ana).await;
        app.clock.advance(15 * DAY);
        let room = format!("user:{}", ana.id);
        while !kinds(&app.db_events(&room).await).contains(&"request.expired") {
            tokio::task::yield_now().await;
        }
    }
}
