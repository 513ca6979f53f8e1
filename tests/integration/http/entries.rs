//! Journal entries, which only their owners may read.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, Socket, id};

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

    async fn a_compressed_copy_has_a_tag_of_its_own_that_serves_as_well(app) {
        let ana = app.consumer("ana").await;
        let address = write(&ana, &"A long day. ".repeat(200)).await;
        let compressed = ana.get(&address).header("accept-encoding", "gzip").await;
        assert_eq!((compressed.header("content-encoding"), compressed.etag()), (Some("gzip"), "\"1-gzip\""));
        assert_eq!(ana.get(&address).await.etag(), "\"1\"", "as it is");
        let again = ana.get(&address).header("accept-encoding", "gzip").header("if-none-match", compressed.etag());
        let again = again.await;
        assert_eq!((again.status, again.etag()), (304, "\"1-gzip\""));
        let changed = ana.patch(&address, json!({"text": "A short one."})).if_match(compressed.etag()).await;
        assert_eq!((changed.status, changed.etag()), (200, "\"2\""));
        ana.patch(&address, json!({"text": "Late."})).if_match(compressed.etag()).await.refused(412);
    }

    async fn a_journal_is_read_from_the_newest_page_by_page(app) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        for text in ["one", "two", "three"] {
            write(&ana, text).await;
            app.clock.advance(std::time::Duration::from_millis(2));
        }
        write(&eve, "hers").await;
        let first = ana.get("/entries?limit=2").await.ok();
        assert_eq!(texts(&first), ["three", "two"]);
        let rest = ana.get(&format!("/entries?limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await.ok();
        assert_eq!((texts(&rest), &rest["next_cursor"]), (vec!["one"], &Value::Null));
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
        anas.recv_pong().await;
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

/// The texts of a page.
fn texts(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|entry| entry["text"].as_str().unwrap()).collect()
}

/// All texts that a search finds, and how many calls it took.
async fn found(who: &Person, query: &str) -> (Vec<String>, usize) {
    let (mut all, mut calls, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = who.get(&format!("/entries?{query}{cursor}")).await.ok();
        all.extend(texts(&page).into_iter().map(str::to_owned));
        calls += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (all, calls),
        }
    }
}

both_engines! {
    async fn an_entry_is_changed_by_its_owner_who_has_seen_it(app) {
        let ana = app.consumer("ana").await;
        let written = ana.post("/entries", json!({"title": "Monday", "text": "Slept badly."})).await;
        let entry = format!("/entries/{}", id(&written.ok()));
        app.clock.advance(std::time::Duration::from_secs(1));
        let edited = ana.patch(&entry, json!({"text": "Slept well."})).if_match(written.etag()).await;
        let changed = edited.ok();
        assert_eq!((&changed["title"], &changed["text"]), (&json!("Monday"), &json!("Slept well.")));
        assert_eq!((&changed["version"], edited.etag()), (&json!(2), "\"2\""));
        assert!(changed["updated_at"].as_str() > changed["created_at"].as_str());
        assert_eq!(ana.get(&entry).await.ok(), changed);

        ana.patch(&entry, json!({"text": "Lost."})).if_match(written.etag()).await.refused(412);
        assert_eq!(ana.get(&entry).await.ok(), changed);
        assert_eq!(ana.patch(&entry, json!({"text": "Slept well."})).await.ok(), changed, "nothing to change");
        assert_eq!(ana.patch(&entry, json!({})).await.ok(), changed);
        let untitled = ana.patch(&entry, json!({"title": null})).await.ok();
        assert_eq!((&untitled["title"], &untitled["text"]), (&Value::Null, &json!("Slept well.")));
        let titled = ana.patch(&entry, json!({"title": " Tuesday "})).if_match("\"3\"").await.ok();
        assert_eq!((&titled["title"], &titled["version"]), (&json!("Tuesday"), &json!(4)));

        let problem = ana.patch(&entry, json!({"title": "a\nb", "text": " "})).await.refused(422);
        let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["title", "text"]);
        ana.patch(&entry, json!({"text": null, "user_id": ana.id})).await.refused(422);
        ana.patch("/entries/01890a5d-ac96-774b-bcce-b302099a8057", json!({})).await.refused(404);
    }

    async fn a_change_that_is_sent_again_is_made_once(app) {
        let ana = app.consumer("ana").await;
        let entry = write(&ana, "Slept badly.").await;
        let change = json!({"text": "Slept well."});
        let first = ana.patch(&entry, change.clone()).if_match("\"1\"").key("k1").await;
        let again = ana.patch(&entry, change).if_match("\"1\"").key("k1").await;
        assert_eq!((again.ok(), again.etag()), (first.ok(), first.etag()));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        ana.patch(&entry, json!({"text": "Other."})).key("k1").await.refused(422);
        let gone = ana.delete(&entry).if_match("\"2\"").key("k2").await;
        let again = ana.delete(&entry).if_match("\"2\"").key("k2").await;
        assert_eq!((gone.status, again.status, again.header("idempotency-replayed")), (204, 204, Some("true")));
    }

    async fn an_entry_is_deleted_by_its_owner_who_has_seen_it(app) {
        let ana = app.consumer("ana").await;
        let (entry, other) = (write(&ana, "Slept badly.").await, write(&ana, "Ate well.").await);
        ana.patch(&entry, json!({"text": "Slept well."})).await.ok();
        ana.delete(&entry).if_match("\"1\"").await.refused(412);
        assert_eq!(ana.get(&entry).await.ok()["text"], "Slept well.");
        assert_eq!(ana.delete(&entry).if_match("\"2\"").await.status, 204);
        ana.get(&entry).await.refused(404);
        ana.patch(&entry, json!({"text": "Back."})).await.refused(404);
        ana.delete(&entry).await.refused(404);
        assert_eq!(texts(&ana.get("/entries").await.ok()), ["Ate well."]);
        assert_eq!(ana.delete(&other).await.status, 204);
    }

    async fn nobody_else_changes_or_deletes_it_not_even_an_admin(app) {
        let ana = app.consumer("ana").await;
        let (eve, root) = (app.consumer("eve").await, app.db_admin("root").await);
        let entry = write(&ana, "Slept badly.").await;
        for stranger in [&eve, &root] {
            let refusal = stranger.patch(&entry, json!({"text": "Mine."})).await.refused(403);
            assert_eq!(refusal["detail"], "to edit this entry you must be its owner");
            stranger.delete(&entry).await.refused(403);
            assert_eq!(stranger.get("/entries?q=slept").await.ok()["items"], json!([]));
        }
        assert_eq!(ana.get(&entry).await.ok()["text"], "Slept badly.");
        let audit = app.db_audit("entry", entry.trim_start_matches("/entries/")).await;
        assert_eq!(audit, ["refused edit", "refused delete", "refused edit", "refused delete"]);
    }

    async fn its_owner_alone_hears_that_it_changed_and_that_it_is_gone(app) {
        let (ana, root) = (app.consumer("ana").await, app.db_admin("root").await);
        let (mut anas, mut roots) = (ana.live().await, root.live().await);
        anas.recv_pong().await;
        roots.ack(json!({"type": "join", "room": "admin"})).await;
        let entry = write(&ana, "Slept badly.").await;
        let entry_id = entry.trim_start_matches("/entries/");
        let room = format!("entry:{entry_id}");
        anas.ack(json!({"type": "join", "room": room})).await;
        let path = format!("/ws/reflections/{entry_id}?token={}", ana.token().unwrap());
        let mut reflections = Socket::connect(app.address, &path).await;
        reflections.recv("connection_established").await;

        ana.patch(&entry, json!({"text": "Slept well."})).await.ok();
        let updated = anas.event("entry.updated").await;
        assert_eq!(updated["data"], json!({"entry_id": entry_id, "version": 2}));
        assert_eq!(reflections.event("entry.updated").await["data"], updated["data"]);

        assert_eq!(ana.delete(&entry).await.status, 204);
        assert_eq!(anas.event("entry.deleted").await["data"], json!({"entry_id": entry_id}));
        let gone = anas.recv("error").await;
        assert_eq!(gone["code"], "forbidden", "{gone}");
        assert_eq!(reflections.closed().await.code, 4003);
        let again = anas.request(json!({"type": "join", "room": room})).await;
        assert_eq!((&again["type"], &again["code"]), (&json!("error"), &json!("not_found")));
        // Events arrive in order: the later request's came, so the entry's were not sent to admins.
        app.request(&ana).await;
        roots.event("request.published").await;
        assert!(roots.left().iter().all(|message| !message.to_string().contains("entry")), "{:?}", roots.left());
    }

    async fn a_journal_is_searched_by_its_owner(app) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        for (title, text) in [
            (json!("Straße"), "one"), (json!(null), "Die STRASSE und das CAFÉ"), (json!("Café"), "two"),
            (json!(null), "nothing"), (json!(null), "a cafe\u{301} again"),
        ] {
            ana.post("/entries", json!({"title": title, "text": text})).await.ok();
            app.clock.advance(std::time::Duration::from_millis(2));
        }
        write(&eve, "hers: café").await;
        let by = async |query: &str| texts(&ana.get(&format!("/entries?q={query}")).await.ok()).join("|");
        assert_eq!(by("caf%C3%A9").await, "a café again|two|Die STRASSE und das CAFÉ");
        assert_eq!(by("CAFE%CC%81").await, "a café again|two|Die STRASSE und das CAFÉ");
        assert_eq!(by("stra%C3%9Fe").await, "one");
        assert_eq!(by("%25").await, "", "no wildcards");
        assert_eq!(found(&ana, "limit=1&q=CAF%C3%89").await.0, ["a café again", "two", "Die STRASSE und das CAFÉ"]);
        for wrong in ["", "%20", &"x".repeat(101)] {
            let problem = ana.get(&format!("/entries?q={wrong}")).await.refused(422);
            assert_eq!(problem["errors"][0]["field"], "q");
        }
        assert_eq!(by(&"x".repeat(100)).await, "");
    }

    async fn a_search_looks_through_a_bounded_part_of_the_journal_per_call(app) {
        let ana = app.consumer("ana").await;
        write(&ana, "the needle").await;
        app.clock.advance(std::time::Duration::from_millis(2));
        for _ in 0..10 {
            join_all((0..50).map(|_| write(&ana, "hay"))).await;
        }
        let first = ana.get("/entries?q=needle").await.ok();
        assert_eq!(texts(&first), [""; 0]);
        assert!(first["next_cursor"].is_string());
        assert_eq!(found(&ana, "q=needle").await, (vec!["the needle".to_owned()], 2));
        // As many texts as a call may open: fewer, since they are large.
        let large = "ä".repeat(20_000);
        for _ in 0..2 {
            join_all((0..50).map(|_| write(&ana, &large))).await;
        }
        let (texts, calls) = found(&ana, "q=needle").await;
        assert!(texts == ["the needle"] && (3..=4).contains(&calls), "{calls} calls");
    }

    async fn first_entries_at_the_same_time_share_one_key(app) {
        let ana = app.consumer("ana").await;
        let written = join_all((0..20).map(|n| {
            let (ana, text) = (&ana, format!("entry {n}"));
            async move { write(ana, &text).await }
        }))
        .await;
        for (n, entry) in written.iter().enumerate() {
            assert_eq!(ana.get(entry).await.ok()["text"], format!("entry {n}"));
        }
    }
}
