//! The sweeper: what expires by itself.

use std::time::Duration;

use diesel::prelude::*;
use serde_json::{Value, json};
use souk::clock::Timestamp;
use souk::db::DbError;
use souk::db::schema::{idempotency_keys as keys, logins};
use souk::ids::LoginId;
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

    async fn a_row_that_cannot_be_settled_is_counted_and_skipped(app with ["--sweep-interval=1h"]) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let (broken, whole) = (ask(&ana).await, ask(&ana).await);
        offer(app, &ben, &whole).await;
        let spoil = format!("UPDATE requests SET currency = 'x?!' WHERE id = '{broken}'");
        let spoilt = app.server.db.write(move |uow| {
            diesel::sql_query(&spoil).execute(uow.conn())?;
            Ok::<_, DbError>(())
        });
        spoilt.await.unwrap();
        app.clock.advance(15 * DAY);
        let swept = sweep(&app.server).await.unwrap();
        assert_eq!((swept.requests, swept.offers), (1, 0), "the request takes its offer along");
        sweep(&app.server).await.unwrap();
        let ana = app.log_in("ana").await;
        assert_eq!(ana.get(&format!("/requests/{whole}")).await.ok()["state"], "expired");
        let metrics = app.anyone().get("/metrics").await.text;
        assert!(metrics.contains(r#"souk_sweep_failures_total{kind="requests"} 2"#), "{metrics}");
    }

    async fn more_than_a_batch_of_old_answers_and_logins_is_deleted(app with ["--sweep-interval=1h"]) {
        let ana = app.consumer("ana").await;
        let user = ana.user();
        let fill = app.server.db.write(move |uow| {
            let old = Timestamp::EPOCH;
            for n in 0..1_100_i64 {
                let at = old.plus(Duration::from_secs(n.unsigned_abs()));
                let answer = (
                    keys::user_id.eq(user),
                    keys::key.eq(format!("k{n}")),
                    keys::fingerprint.eq("f"),
                    keys::status.eq(200),
                    keys::body.eq(""),
                    keys::created_at.eq(at),
                );
                diesel::insert_into(keys::table).values(answer).execute(uow.conn())?;
                let login = LoginId::new(at);
                let row = (
                    logins::id.eq(login),
                    logins::user_id.eq(user),
                    logins::created_at.eq(at),
                    logins::last_used_at.eq(at),
                    logins::expires_at.eq(if n % 2 == 0 { at } else { Timestamp::EPOCH.plus(100_000 * DAY) }),
                    logins::revoked_at.eq((n % 2 == 1).then_some(at)),
                );
                diesel::insert_into(logins::table).values(row).execute(uow.conn())?;
            }
            Ok::<_, DbError>(())
        });
        fill.await.unwrap();
        let swept = sweep(&app.server).await.unwrap();
        assert_eq!((swept.answers, swept.logins), (1_100, 1_100));
        ana.get("/auth/me").await.ok();
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
