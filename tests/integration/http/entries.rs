//! Journal entries, which only their owners may read.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, id};

/// Creates an entry; returns its path.
async fn write(who: &Person, text: &str) -> String {
    format!("/entries/{}", id(&who.post("/entries", json!({"text": text})).await.ok()))
}

both_engines! {
    async fn an_entry_is_written_and_read_by_its_owner(app) {
        let ana = app.consumer("ana").await;
        let written = ana.post("/entries", json!({"title": " Monday ", "text": "Slept badly.\nAgain."})).await;
        let entry = written.refused(201);
        assert_eq!((&entry["title"], &entry["text"]), (&json!("Monday"), &json!("Slept badly.\nAgain.")));
        assert_eq!((&entry["room"], &entry["version"]), (&json!(format!("entry:{}", id(&entry))), &json!(1)));
        let address = format!("/entries/{}", id(&entry));
        assert_eq!(written.header("location"), Some(address.as_str()));
        let read = ana.get(&address).await;
        assert_eq!(read.ok(), entry);
        assert_eq!(ana.get(&address).header("If-None-Match", read.etag()).await.status, 304);
        let untitled = ana.post("/entries", json!({"text": "Better."})).await.ok();
        assert_eq!(untitled["title"], Value::Null);
    }

    async fn a_journal_is_read_from_the_newest_page_by_page(app) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        for text in ["one", "two", "three"] {
            write(&ana, text).await;
            app.clock.advance(std::time::Duration::from_millis(2));
        }
        write(&eve, "hers").await;
        let texts = |page: &Value| -> Vec<Value> {
            page["items"].as_array().unwrap().iter().map(|entry| entry["text"].clone()).collect()
        };
        let first = ana.get("/entries?limit=2").await.ok();
        assert_eq!(texts(&first), ["three", "two"]);
        let rest = ana.get(&format!("/entries?limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await.ok();
        assert_eq!((texts(&rest), &rest["next_cursor"]), (vec![json!("one")], &Value::Null));
        assert_eq!(texts(&eve.get("/entries").await.ok()), ["hers"]);
    }

    async fn nobody_else_reads_it_not_even_an_admin(app) {
        let ana = app.consumer("ana").await;
        let (eve, pavel, root) =
            (app.consumer("eve").await, app.provider("pavel").await, app.db_admin("root").await);
        let entry = write(&ana, "Slept badly.").await;
        for stranger in [&eve, &pavel, &root] {
            let refusal = stranger.get(&entry).await.refused(403);
            assert_eq!(refusal["detail"], "to read this entry you must be its owner");
            assert_eq!(stranger.get("/entries").await.ok()["items"], json!([]));
        }
        app.anyone().get(&entry).await.refused(401);
        ana.get("/entries/01890a5d-ac96-774b-bcce-b302099a8057").await.refused(404);
        ana.get("/entries/7").await.refused(404);
        assert_eq!(app.db_audit("entry", entry.trim_start_matches("/entries/")).await, ["refused read"; 3]);
    }

    async fn its_owner_alone_hears_of_it_and_not_what_it_says(app) {
        let (ana, root) = (app.consumer("ana").await, app.db_admin("root").await);
        let (mut anas, mut roots) = (ana.live().await, root.live().await);
        roots.ack(json!({"type": "join", "room": "admin"})).await;
        let entry = write(&ana, "Slept badly.").await;
        let entry_id = entry.trim_start_matches("/entries/");
        assert_eq!(anas.event("entry.created").await["data"], json!({"entry_id": entry_id}));
        // Events arrive in order: the later request's came, so the entry's was not sent to admins.
        app.request(&ana).await;
        roots.event("request.published").await;
        assert!(roots.left().iter().all(|message| !message.to_string().contains("entry")), "{:?}", roots.left());
        let room = format!("entry:{entry_id}");
        let refused = roots.request(json!({"type": "join", "room": room})).await;
        assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("forbidden")));
        anas.ack(json!({"type": "join", "room": room})).await;
    }

    async fn what_cannot_be_written_is_refused_with_its_reasons(app) {
        let ana = app.consumer("ana").await;
        let problem = ana.post("/entries", json!({"title": "a\nb", "text": " \n "})).await.refused(422);
        let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["title", "text"]);
        ana.post("/entries", json!({"text": "ä".repeat(20_001)})).await.refused(422);
        ana.post("/entries", json!({"text": "ä".repeat(20_000)})).await.ok();
        ana.post("/entries", json!({"title": "x".repeat(121), "text": "x"})).await.refused(422);
        ana.post("/entries", json!({"text": "x", "user_id": ana.id})).await.refused(422);
        ana.post("/entries", json!({})).await.refused(422);
    }

    async fn an_entry_that_is_sent_again_is_written_once(app) {
        let ana = app.consumer("ana").await;
        let first = ana.post("/entries", json!({"text": "Slept badly."})).key("k1").await;
        let again = ana.post("/entries", json!({"text": "Slept badly."})).key("k1").await;
        assert_eq!((again.status, again.json()), (201, first.json()));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        ana.post("/entries", json!({"text": "Slept well."})).key("k1").await.refused(422);
        assert_eq!(ana.get("/entries").await.ok()["items"].as_array().unwrap().len(), 1);
    }
}
