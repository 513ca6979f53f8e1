//! Conversations with the assistant: ownership, and the default conversation.

use futures_util::future::join_all;
use serde_json::{Value, json};
use souk::domain::conversations;
use souk::ids::ConversationId;

use crate::both_engines;
use crate::support::{Person, TestApp, eventually, id};

/// The user's default conversation, as a live session requests it.
async fn own(app: &TestApp, who: &Person) -> ConversationId {
    let scope = app.db_scope(who).await;
    let own = app.server.db.write(move |uow| conversations::own(uow, &scope).map(|own| own.id));
    own.await.unwrap()
}

both_engines! {
    async fn a_conversation_is_begun_and_found_by_its_owner(app) {
        let ana = app.consumer("ana").await;
        let begun = ana.post("/conversations", json!({"title": "The bathroom"})).await;
        let conversation = begun.refused(201);
        assert_eq!((&conversation["title"], &conversation["is_default"]), (&json!("The bathroom"), &json!(false)));
        assert_eq!(conversation["room"], format!("conversation:{}", id(&conversation)));
        assert_eq!(ana.get(begun.header("location").unwrap()).await.ok(), conversation);
        app.clock.advance(std::time::Duration::from_millis(2));
        let unnamed = ana.post("/conversations", Value::Null).await.ok();
        assert_eq!(unnamed["title"], Value::Null);
        let page = ana.get("/conversations?limit=1").await.ok();
        assert_eq!(page["items"], json!([unnamed]));
        let next = format!("/conversations?cursor={}", page["next_cursor"].as_str().unwrap());
        assert_eq!(ana.get(&next).await.ok(), json!({"items": [conversation], "next_cursor": null}));
        ana.post("/conversations", json!({"title": " "})).await.refused(422);
        let again = [ana.post("/conversations", json!({})).key("k").await, ana.post("/conversations", json!({})).key("k").await];
        assert_eq!(again[0].ok(), again[1].ok());
    }

    async fn nobody_else_is_in_it_not_even_an_admin(app) {
        let (ana, eve, root) =
            (app.consumer("ana").await, app.consumer("eve").await, app.db_admin("root").await);
        let conversation = ana.post("/conversations", json!({})).await.ok();
        let address = format!("/conversations/{}", id(&conversation));
        for stranger in [&eve, &root] {
            let refusal = stranger.get(&address).await.refused(403);
            assert_eq!(refusal["detail"], "to read this conversation you must be its owner");
            assert_eq!(stranger.get("/conversations").await.ok()["items"], json!([]));
            let join = json!({"type": "join", "room": conversation["room"]});
            assert_eq!(stranger.live().await.request(join).await["code"], "forbidden");
        }
        ana.live().await.ack(json!({"type": "join", "room": conversation["room"]})).await;
        ana.get("/conversations/01890a5d-ac96-774b-bcce-b302099a8057").await.refused(404);
        assert_eq!(app.db_kinds(&format!("user:{}", ana.id)).await, ["conversation.created"]);
        assert_eq!(app.db_kinds("admin").await, [""; 0]);
    }

    async fn the_unnamed_one_is_begun_once_however_many_ask_at_once(app) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        let theirs = join_all((0..16).map(|_| own(app, &ana))).await;
        assert!(theirs.iter().all(|own| *own == theirs[0]), "{theirs:?}");
        assert_eq!(own(app, &ana).await, theirs[0]);
        assert_ne!(own(app, &eve).await, theirs[0]);
        let list = ana.get("/conversations").await.ok();
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert_eq!(list["items"][0]["is_default"], true);
        assert_eq!(app.db_kinds(&format!("user:{}", ana.id)).await, ["conversation.created"]);
    }

    async fn a_conversation_is_renamed_and_deleted_by_its_owner(app) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        let begun = ana.post("/conversations", json!({"title": "The bathroom"})).await;
        let address = begun.header("location").unwrap().to_owned();
        let renamed = ana.patch(&address, json!({"title": "The kitchen"})).if_match(begun.etag()).await;
        assert_eq!((&renamed.ok()["title"], &renamed.ok()["version"]), (&json!("The kitchen"), &json!(2)));
        ana.patch(&address, json!({"title": "The attic"})).if_match(begun.etag()).await.refused(412);
        ana.patch(&address, json!({"title": ""})).await.refused(422);
        assert_eq!(ana.patch(&address, json!({"title": null})).await.ok()["title"], Value::Null);
        eve.patch(&address, json!({"title": "Mine"})).await.refused(403);
        eve.delete(&address).await.refused(403);
        let path = format!("{address}/messages");
        let sent = ana.post(&path, json!({"text": "What do I do about the attic? It is cold."})).await;
        let answer = sent.header("location").unwrap().to_owned();
        eventually(async || ana.get(&answer).await.ok()["status"] == "done").await;
        assert_eq!(ana.get(&address).await.ok()["title"], "What do I do about the attic?");
        ana.delete(&address).if_match(begun.etag()).await.refused(412);
        ana.delete(&address).key("d").await.refused(204);
        ana.delete(&address).key("d").await.refused(204);
        for gone in [&address, &path, &answer] {
            ana.get(gone).await.refused(404);
        }
        let told = app.db_kinds(&format!("user:{}", ana.id)).await;
        let updated = ["conversation.updated"; 3];
        assert_eq!(told, [&["conversation.created"][..], &updated, &["conversation.deleted"]].concat());
        let conversation = address.replace("/conversations/", "conversation:");
        assert_eq!(app.db_kinds(&conversation).await, [""; 0], "the log of its room is gone as well");
    }

    async fn clients_without_a_socket_say_something_and_are_told_where_the_answer_will_be(app) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        let address = format!("/conversations/{}", id(&ana.post("/conversations", json!({})).await.ok()));
        let path = format!("{address}/messages");
        let form = json!({"text": "Hello there.", "client_msg_id": "m1"});
        let accepted = ana.post(&path, form.clone()).key("k").await;
        let location = accepted.header("location").unwrap().to_owned();
        assert_eq!(accepted.refused(202)["status"], "running");
        eventually(async || ana.get(&location).await.ok()["status"] == "done").await;
        let answer = ana.get(&location).await.ok();
        assert_eq!((&answer["author"], &answer["generator"]), (&json!("assistant"), &json!("extractive")));
        for again in [ana.post(&path, form.clone()).key("k").await, ana.post(&path, form).await] {
            assert_eq!((again.status, again.header("location")), (202, Some(location.as_str())), "the same message");
        }
        let page = ana.get(&format!("{path}?limit=1")).await.ok();
        assert_eq!(page["items"], json!([answer]));
        let next = format!("{path}?cursor={}", page["next_cursor"].as_str().unwrap());
        let rest = ana.get(&next).await.ok();
        let first = &rest["items"][0];
        assert_eq!((&first["client_msg_id"], &first["answer_id"]), (&json!("m1"), &answer["id"]));
        assert_eq!(ana.get(&format!("{path}/{}", id(first))).await.ok(), *first);
        assert_eq!(ana.post(&format!("{address}/answer"), Value::Null).await.refused(409)["code"], "nothing_to_answer");
        ana.post(&path, json!({"text": " "})).await.refused(422);
        ana.get(&format!("{path}/01890a5d-ac96-774b-bcce-b302099a8057")).await.refused(404);
        for refused in [
            eve.get(&path).await,
            eve.get(&location).await,
            eve.post(&path, json!({"text": "Hello."})).await,
            eve.post(&format!("{address}/answer"), Value::Null).await,
        ] {
            refused.refused(403);
        }
    }
}
