//! Conversations with the assistant: ownership, and the default conversation.

use futures_util::future::join_all;
use serde_json::{Value, json};
use souk::domain::conversations;
use souk::ids::ConversationId;

use crate::both_engines;
use crate::support::{Person, TestApp, id};

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
}
