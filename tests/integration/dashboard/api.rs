//! What the API has for the dashboard, and for whoever else is an admin.

use std::time::Duration;

use diesel::RunQueryDsl;
use serde_json::{Value, json};
use souk::clock::Timestamp;
use souk::db::DbError;

use crate::both_engines;
use crate::support::{Engine, Socket};

fn items(list: &Value) -> &Vec<Value> {
    list["items"].as_array().unwrap()
}

both_engines! {
    async fn settings_are_shown_with_their_sources_and_without_secrets(
        app with ["--page-max=50", "--metrics-token=0123456789abcdef0123456789abcdef"]
    ) {
        let root = app.db_admin("root").await;
        let answer = root.get("/admin/settings").await;
        let shown = answer.ok();
        let setting = |name: &str| {
            let settings = shown["settings"].as_array().unwrap();
            let found = settings.iter().find(|setting| setting["name"] == name).unwrap();
            (found["value"].as_str().unwrap().to_owned(), found["source"].as_str().unwrap().to_owned())
        };
        assert_eq!(setting("SOUK_PAGE_MAX"), ("50".to_owned(), "flag".to_owned()));
        assert_eq!(setting("SOUK_BODY_MAX").1, "default");
        assert_eq!(setting("SOUK_METRICS_BIND"), ("-".to_owned(), "not set".to_owned()));
        assert_eq!(setting("SOUK_METRICS_TOKEN").0, "***");
        assert_eq!(setting("SOUK_JWT_SECRET").0, "***");
        assert!(!answer.text.contains("0123456789abcdef"), "no secret: {answer}");
        let migrations = shown["migrations"].as_array().unwrap();
        assert!(migrations.len() > 15 && migrations.iter().all(|one| one["state"] == "applied"), "{migrations:?}");
        assert_eq!(migrations[0]["version"], "20261122000001");
        assert_eq!(migrations[0]["name"], "2026-11-22-000001_create_marketplace");
        let now = app.clock.now();
        for one in migrations {
            let at: Timestamp = one["applied_at"].as_str().unwrap().parse().unwrap();
            let ago = now.since(at).max(at.since(now));
            // The databases of all tests are copies of one that was migrated at first; zones differ by an hour.
            assert!(ago < Duration::from_secs(55 * 60), "in this run, whatever the zone: {one}");
        }
        let backup = &shown["backup"];
        let state = if app.engine == Engine::Postgres { "outside" } else { "none" };
        assert_eq!(*backup, json!({"state": state, "at": null, "bytes": null}));
        let audit = root.get("/admin/audit?kind=setting&action=read").await.ok();
        assert_eq!(items(&audit).len(), 1);
        app.consumer("ana").await.get("/admin/settings").await.refused(403);
    }

    async fn migrations_that_are_missing_or_a_newer_servers_are_told(app) {
        let root = app.db_admin("root").await;
        let changed = app.server.db.write(|uow| {
            for sql in [
                "DELETE FROM __diesel_schema_migrations WHERE version = '20261122000001'",
                "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')",
            ] {
                diesel::sql_query(sql).execute(uow.conn())?;
            }
            Ok::<_, DbError>(())
        });
        changed.await.unwrap();
        let settings = root.get("/admin/settings").await.ok();
        let migrations = settings["migrations"].as_array().unwrap();
        let (first, last) = (&migrations[0], migrations.last().unwrap());
        assert_eq!((&first["state"], &first["applied_at"]), (&json!("pending"), &Value::Null));
        assert_eq!((&last["state"], &last["name"]), (&json!("unknown"), &Value::Null));
        assert!(last["applied_at"].is_string());
    }

    async fn an_admin_sees_a_persons_logins_and_ends_one_with_a_reason(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let again = app.log_in("ana").await;
        let path = format!("/admin/users/{}/logins", ana.id);
        let logins = root.get(&path).await.ok();
        let ids: Vec<&str> = items(&logins).iter().map(|login| login["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 2);
        assert!(items(&logins).iter().all(|login| login["current"] == false), "they are not the admin's own");
        root.delete(&format!("/admin/logins/{}?reason=A+lost+phone", ids[0])).await.ok();
        again.get("/auth/me").await.refused(401);
        ana.get("/auth/me").await.ok();
        assert_eq!(items(&root.get(&path).await.ok()).len(), 1);
        let audit = root.get(&format!("/admin/audit?kind=login&row={}&action=end", ids[0])).await.ok();
        assert_eq!(items(&audit)[0]["detail"], "A lost phone");
        assert_eq!(items(&audit)[0]["actor_email"], "root@example.com");
        root.delete(&format!("/admin/logins/{}?reason=", ids[0])).await.refused(422);
        ana.get(&path).await.refused(403);
        root.get("/admin/users/01890a5d-ac96-774b-bcce-b302099a8057/logins").await.refused(404);
    }

    async fn connections_are_found_by_address_and_closed_with_a_reason(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let mut socket = Socket::connect(app.address, &format!("/ws?token={}", ana.token().unwrap())).await;
        socket.recv("connection_established").await;
        let here = root.get("/admin/sessions?address=127.0.0.1").await.ok();
        assert_eq!(items(&here).len(), 1);
        assert_eq!(items(&here)[0]["user_email"], "ana@example.com");
        assert_eq!(items(&root.get("/admin/sessions?address=127.0.0.2").await.ok()).len(), 0);
        root.get("/admin/sessions?address=nowhere").await.refused(422);
        root.get(&format!("/admin/sessions?address=127.0.0.1&user_id={}", ana.id)).await.refused(422);
        let id = items(&here)[0]["id"].as_str().unwrap();
        root.delete(&format!("/admin/sessions/{id}?reason=She+asked")).await.ok();
        assert_eq!(socket.recv("disconnecting").await["reason"], "closed_by_admin");
        let audit = root.get(&format!("/admin/audit?kind=connection&row={id}")).await.ok();
        assert_eq!(items(&audit)[0]["detail"], "She asked");
    }

    async fn the_audit_trail_is_searched_by_action_and_time(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let path = |rest: &str| format!("/admin/users/{}/{rest}", ana.id);
        root.post(&path("suspend"), json!({"reason": "spam"})).await.ok();
        app.clock.advance(Duration::from_secs(60));
        root.post(&path("reinstate"), Value::Null).await.ok();
        let of_ana = format!("/admin/audit?kind=user&row={}&outcome=done", ana.id);
        let all = root.get(&of_ana).await.ok();
        let at = |index: usize| items(&all)[index]["at"].as_str().unwrap().to_owned();
        let actions = async |query: String| {
            let found = root.get(&format!("{of_ana}&{query}")).await.ok();
            items(&found).iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(actions(String::new()).await, ["reinstate", "suspend"]);
        assert_eq!(actions("action=suspend".to_owned()).await, ["suspend"]);
        assert_eq!(actions(format!("from={}", at(0))).await, ["reinstate"], "this moment or later");
        assert_eq!(actions(format!("until={}", at(0))).await, ["suspend"], "before this moment");
        assert_eq!(actions(format!("from={}&until={}", at(1), at(0))).await, ["suspend"]);
        assert_eq!(actions(format!("until={}", at(1))).await, [""; 0]);
        root.get("/admin/audit?from=yesterday").await.refused(422);
    }

    async fn metrics_are_told_each_second_to_admins_who_watch(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let mut stranger = Socket::connect(app.address, &format!("/ws?token={}", ana.token().unwrap())).await;
        stranger.recv("connection_established").await;
        let refused = stranger.request(json!({"type": "join", "room": "metrics"})).await;
        assert_eq!(refused["code"], "forbidden");

        let mut watching =
            Socket::connect(app.address, &format!("/ws?token={}", root.token().unwrap())).await;
        watching.recv("connection_established").await;
        let joined = watching.request(json!({"type": "join", "room": "metrics"})).await;
        assert_eq!((joined["type"].clone(), joined["head"].clone()), (json!("ack"), json!(0)));
        let first = watching.recv("metrics").await;
        assert_eq!(first["connections"], 2);
        assert!(first["memory_bytes"].as_u64().unwrap() > 0);
        assert!(first["http"]["2xx"].as_u64().unwrap() > 0);
        assert!(
            first["http_seconds"].as_array().unwrap().last().unwrap()[0].is_null(),
            "the last has no bound"
        );
        ana.get("/auth/me").await.ok();
        let mut second = watching.recv("metrics").await;
        while second["http"]["2xx"].as_u64() <= first["http"]["2xx"].as_u64() {
            second = watching.recv("metrics").await;
        }
        assert!(second["cpu_seconds"].as_f64() >= first["cpu_seconds"].as_f64());
        assert!(
            second["commits"].as_u64() > Some(0)
                && second["committed_writes"].as_u64() >= second["commits"].as_u64()
        );
        let acks =
            |told: &serde_json::Value| told["ack_seconds"].as_array().unwrap().last().unwrap()[1].as_u64();
        assert!(acks(&second) > Some(0), "the join was acknowledged");
        assert!(second["outbox_bytes"].is_u64() && second["commit_waiting"].is_u64());
        assert_eq!(
            stranger.request(json!({"type": "whoami"})).await["type"],
            "ack",
            "who may not hears nothing"
        );
    }
}
