//! Settings of what is kept for how long.

use std::time::Duration;

use diesel::RunQueryDsl;
use serde_json::{Value, json};
use souk::db::DbError;
use souk::server::retention::{Trimmed, trim};

use crate::both_engines;
use crate::support::{Person, Socket, TestApp, usual_request};

const DAY: Duration = Duration::from_secs(86_400);

async fn ask(ana: &Person, times: usize) {
    for _ in 0..times {
        ana.post("/requests", usual_request()).await.ok();
    }
}

async fn join(socket: &mut Socket, room: &str, since: u64) -> (bool, Vec<u64>) {
    let joined = socket.ack(json!({"type": "join", "room": room, "since": since})).await;
    socket.ack(json!({"type": "leave", "room": room})).await;
    (joined["recovered"] == true, seqs(&joined))
}

fn seqs(answer: &Value) -> Vec<u64> {
    answer["events"].as_array().into_iter().flatten().map(|event| event["seq"].as_u64().unwrap()).collect()
}

/// Joins and pages as far as the log goes.
async fn sees(who: &Person, room: &str, tail: u64, head: u64) {
    let mut socket = who.live().await;
    let all: Vec<u64> = (tail + 1..=head).collect();
    if tail > 0 {
        assert_eq!(join(&mut socket, room, 0).await, (false, vec![]), "{room}");
        assert_eq!(join(&mut socket, room, tail - 1).await, (false, vec![]), "{room}");
    }
    assert_eq!(join(&mut socket, room, tail).await, (true, all.clone()), "{room}");
    let history = socket.ack(json!({"type": "history", "room": room})).await;
    assert_eq!((seqs(&history), &history["has_more"]), (all, &json!(false)), "{room}");
    let last = socket.ack(json!({"type": "history", "room": room, "limit": 1})).await;
    assert_eq!(last["has_more"], tail + 1 < head, "{room}");
}

async fn logged_in(app: &TestApp) -> [Person; 3] {
    let root = app.person(&app.db_token("root@example.com", Duration::from_secs(1800)).await).await;
    [app.log_in("ana").await, app.log_in("ben").await, root]
}

both_engines! {
    async fn events_are_kept_for_their_time_and_the_newest_for_longer(
        app with ["--retain-market-events=10d", "--retain-admin-events=8d", "--retain-user-events=20d", "--retain-events-min=2",
            "--sweep-interval=1h"]
    ) {
        app.db_admin("root").await;
        let ana = app.consumer("ana").await;
        app.provider("ben").await;
        let head = |room: &'static str| async move { app.db_events(room).await.last().map_or(0, |event| event.seq.0) };
        ask(&ana, 5).await;
        app.db_admins_have_heard().await;
        let (market, admin) = (head("market:plumbing").await, head("admin").await);
        assert_eq!(market, 5);

        app.clock.advance(9 * DAY);
        assert_eq!(trim(&app.server).await.unwrap().events as u64, admin - 2, "of the admins' room alone");
        let [ana, ben, root] = logged_in(app).await;
        sees(&root, "admin", admin - 2, admin).await;
        sees(&ben, "market:plumbing", 0, 5).await;
        let own = format!("user:{}", ana.id);
        ask(&ana, 1).await;
        app.db_admins_have_heard().await;

        app.clock.advance(2 * DAY);
        assert_eq!(trim(&app.server).await.unwrap(), Trimmed { events: 5 - 1 + 1, audit: 0 }, "and one more of admins'");
        let [ana, ben, root] = logged_in(app).await;
        sees(&ben, "market:plumbing", 4, 6).await;
        sees(&root, "admin", admin - 1, admin + 1).await;
        sees(&ana, &own, 0, 6).await;

        app.clock.advance(10 * DAY);
        assert_eq!(trim(&app.server).await.unwrap().events, 4, "of ana's own room");
        let [ana, ben, _] = logged_in(app).await;
        sees(&ana, &own, 4, 6).await;
        ask(&ana, 1).await;
        app.db_admins_have_heard().await;
        sees(&ben, "market:plumbing", 4, 7).await;
        assert_eq!(trim(&app.server).await.unwrap().events, 3, "one of each room, which is no longer of the newest");
        sees(&ben, "market:plumbing", 5, 7).await;
        assert_eq!(trim(&app.server).await.unwrap(), Trimmed::default());
    }

    async fn the_audit_trail_is_kept_for_its_time(app with ["--retain-audit=90d"]) {
        let root = app.db_admin("root").await;
        let ana = app.consumer("ana").await;
        let path = format!("/admin/users/{}/suspend", ana.id);
        root.post(&path, json!({"reason": "spam"})).await.ok();
        let delete = || app.server.db.write(|uow| {
            diesel::sql_query("DELETE FROM audit").execute(uow.conn())?;
            Ok::<_, DbError>(())
        });
        app.clock.advance(89 * DAY);
        assert_eq!(trim(&app.server).await.unwrap(), Trimmed::default());
        assert!(delete().await.is_err());

        app.clock.advance(2 * DAY);
        let trimmed = trim(&app.server).await.unwrap();
        assert!(trimmed.audit > 0 && trimmed.events == 0, "{trimmed:?}");
        assert!(app.db_audit("user", &ana.id).await.is_empty());
        let root = app.person(&app.db_token("root@example.com", DAY).await).await;
        let trail = root.get("/admin/audit?outcome=done").await.ok();
        let trims: Vec<_> = trail["items"].as_array().unwrap().iter().filter(|row| row["action"] == "trim").collect();
        assert_eq!(trims.len(), 1, "that it was done is in the trail: {trail}");
        assert_eq!(trims[0]["kind"], "audit trail");
        assert!(delete().await.is_err(), "what is younger stays");
        assert_eq!(trim(&app.server).await.unwrap(), Trimmed::default());
    }
}
