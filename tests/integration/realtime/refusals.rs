//! What operators learn of connections that are refused, and of those that are used.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, Socket, SocketIo, TestApp, eventually};

/// Details and actors of the audit rows about handshakes, oldest first.
async fn handshakes(root: &Person) -> Vec<(String, Value)> {
    let page = root.get("/admin/audit?kind=connection&outcome=refused&limit=100").await.ok();
    let rows = page["items"].as_array().unwrap().iter().rev();
    rows.filter(|row| row["action"] == "connect")
        .map(|row| (row["detail"].as_str().unwrap().to_owned(), row["actor"].clone()))
        .collect()
}

fn metrics(app: &TestApp) -> String {
    String::from_utf8(app.server.metrics.render().unwrap()).unwrap()
}

async fn knock(app: &TestApp, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    Socket::connect_with(app.address, path, headers).await.unwrap().closed().await.code
}

both_engines! {
    async fn refused_handshakes_are_in_the_audit_trail_and_cannot_flood_it(
        app with ["--allowed-origins=https://app.example", "--free-connections=1", "--anonymous-requests=1000000"]
    ) {
        let (ana, root) = (app.consumer("ana").await, app.db_admin("root").await);
        knock(app, "/ws", &[]).await;
        knock(app, "/ws/simulate", &[]).await;
        let bearer = format!("Bearer {}", ana.token().unwrap());
        knock(app, "/ws", &[("authorization", &bearer), ("origin", "https://evil.example")]).await;
        let _only = ana.live().await;
        knock(app, &ana.live_path(), &[]).await;
        SocketIo::open(app.address, "", &[]).await.knock("/", Value::Null).await.unwrap_err();
        let anas = json!(ana.id);
        let expected = [
            ("ws: no_token", &Value::Null),
            ("simulate: no_token", &Value::Null),
            ("ws: origin_refused", &anas),
            ("ws: too_many_connections", &anas),
            ("socket.io: no_token", &Value::Null),
        ];
        let expected = expected.map(|(detail, actor)| (detail.to_owned(), actor.clone()));
        assert_eq!(handshakes(&root).await, expected);

        for _ in 0..400 {
            knock(app, "/ws", &[]).await;
        }
        let mut rows = 0;
        let mut next = "/admin/audit?kind=connection&outcome=refused&limit=100".to_owned();
        loop {
            let page = root.get(&next).await.ok();
            rows += page["items"].as_array().unwrap().len();
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("/admin/audit?kind=connection&outcome=refused&limit=100&cursor={cursor}");
        }
        assert!((300..320).contains(&rows), "{rows} of 405");
    }

    async fn who_keeps_trying_what_is_not_theirs_does_not_fill_the_trail(app with ["--free-requests=1000000"]) {
        let (ana, eve, root) = (app.consumer("ana").await, app.consumer("eve").await, app.db_admin("root").await);
        let entry = ana.post("/entries", json!({"text": "A quiet day."})).await.ok();
        let path = format!("/entries/{}", entry["id"].as_str().unwrap());
        for _ in 0..650 {
            eve.get(&path).await.refused(403);
        }
        let rows = app.db_audit("entry", entry["id"].as_str().unwrap()).await;
        assert!((600..=602).contains(&rows.len()), "{}", rows.len());
        app.clock.advance(std::time::Duration::from_secs(60));
        eve.get(&path).await.refused(403);
        let newest = root.get("/admin/audit?kind=entry&limit=1").await.ok();
        let detail = newest["items"][0]["detail"].as_str().unwrap().to_owned();
        assert!(detail.ends_with("refusals before this one were left out"), "{detail}");
    }

    async fn an_address_that_is_refused_again_and_again_is_noticed(app) {
        let quiet = "souk_auth_refusal_bursts_total 0";
        for _ in 0..30 {
            knock(app, "/ws?token=a.b.c", &[]).await;
        }
        assert!(metrics(app).contains(quiet));
        for _ in 0..10 {
            app.with_token("garbage").get("/auth/me").await.refused(401);
        }
        assert!(metrics(app).contains("souk_auth_refusal_bursts_total 1"));
    }

    async fn who_is_refused_a_room_without_end_fills_no_disk(app with ["--free-messages=1000000"]) {
        let mut eve = app.consumer("eve").await.live().await;
        for _ in 0..700 {
            let refused = eve.request(json!({"type": "join", "room": "admin"})).await;
            assert_eq!(refused["code"], "forbidden", "{refused}");
        }
        let rows = app.db_audit("room", "admin").await.len();
        assert!((600..610).contains(&rows), "600 an hour are audited, and not {rows}");
    }

    async fn a_login_and_a_connection_say_how_much_they_are_used(app) {
        let (ana, root) = (app.consumer("ana").await, app.db_admin("root").await);
        let mut live = ana.live().await;
        let mut older = SocketIo::connect(app.address, ana.token().unwrap()).await;
        for _ in 0..3 {
            live.request(json!({"type": "whoami"})).await;
        }
        older.emit("join_chat", json!({})).await;
        let login = ana.get("/auth/sessions").await.ok()["items"][0].clone();
        assert_eq!((&login["connections"], &login["messages"]), (&json!(2), &json!(4)), "{login}");
        let page = root.get(&format!("/admin/sessions?user_id={}", ana.id)).await.ok();
        let mut counts: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|live| live["messages"].as_u64().unwrap()).collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 3]);
        drop(live);
        eventually(async || ana.get("/auth/sessions").await.ok()["items"][0]["connections"] == 1).await;
    }
}
