//! What admins see of rooms: which are large or busy, and what was said there.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, id};

/// The rooms of a list, as they are named.
fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|room| room["room"].as_str().unwrap().to_owned()).collect()
}

async fn rooms(root: &Person, query: &str) -> Value {
    root.get(&format!("/admin/rooms?{query}")).await.ok()
}

both_engines! {
    async fn rooms_are_listed_by_size_and_by_events_page_by_page(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let (ben, cleo) = (app.provider("ben").await, app.provider("cleo").await);
        let (mut one, mut two) = (ben.live().await, cleo.live().await);
        for socket in [&mut one, &mut two] {
            socket.ack(json!({"type": "join", "room": "market:painting"})).await;
        }
        one.ack(json!({"type": "join", "room": "market:plumbing"})).await;
        for _ in 0..3 {
            app.request(&ana).await;
            one.event("request.published").await;
        }
        let mut live = ana.live().await;
        let journal = ana.post("/entries", json!({"text": "Slept badly."})).await.ok();
        live.ack(json!({"type": "join", "room": format!("entry:{}", id(&journal))})).await;

        let largest = rooms(&root, "limit=1").await;
        assert_eq!(names(&largest), ["market:painting"]);
        assert_eq!(
            (largest["items"][0]["connections"].clone(), largest["items"][0]["users"].clone()),
            (json!(2), json!(2))
        );
        assert_eq!(largest["private"], json!([{"kind": "entry", "rooms": 1, "connections": 1}]));
        let busiest = rooms(&root, "order=busiest&limit=1").await;
        assert_eq!(
            (names(&busiest), busiest["items"][0]["events_last_minute"].clone()),
            (vec!["market:plumbing".to_owned()], json!(3))
        );

        let mut all = names(&largest);
        let mut next = largest["next_cursor"].clone();
        while let Some(cursor) = next.as_str() {
            let page = rooms(&root, &format!("limit=1&cursor={cursor}")).await;
            all.extend(names(&page));
            next = page["next_cursor"].clone();
        }
        let own = [&ana, &ben, &cleo].map(|person| format!("user:{}", person.id));
        let mut expected = ["market:painting".to_owned(), "market:plumbing".to_owned()].to_vec();
        expected.extend(own);
        all.sort_unstable();
        expected.sort_unstable();
        assert_eq!(all, expected, "the journal's room is only counted");
        root.get("/admin/rooms?order=nicest").await.refused(422);
    }

    async fn the_log_of_a_room_is_read_and_its_texts_for_a_reason_only(app) {
        let (root, ana, ben) =
            (app.db_admin("root").await, app.consumer("ana").await, app.provider("ben").await);
        let request = app.request(&ana).await;
        app.offer(&ben, &request).await;
        let chat = format!("session:{}", id(&ana.get("/sessions?limit=1").await.ok()["items"][0]));
        let mut live = ana.live().await;
        live.ack(json!({"type": "join", "room": chat})).await;
        for number in 1..=5 {
            let text = format!("line {number}");
            let client_msg_id = number.to_string();
            let message =
                json!({"type": "chat_message", "room": chat, "text": text, "client_msg_id": client_msg_id});
            live.ack(message).await;
        }
        let log = async |query: &str| root.get(&format!("/admin/rooms/{chat}/events?{query}")).await;
        let newest = log("limit=2").await.ok();
        let head = newest["head"].as_u64().unwrap();
        assert_eq!(newest["items"].as_array().unwrap().len(), 2);
        assert_eq!((newest["items"][1]["seq"].as_u64(), newest["tail"].clone()), (Some(head), json!(0)));
        assert_eq!(
            (newest["items"][1]["kind"].clone(), newest["items"][1]["by"].clone()),
            (json!("message.sent"), json!(ana.id))
        );
        assert_eq!(
            (newest["items"][1]["is_text_hidden"].clone(), newest["items"][1]["data"]["text"].clone()),
            (json!(true), Value::Null)
        );
        assert!(!log("").await.text.contains("line"), "no text without a reason");

        let read = log(&format!("after={}&limit=1&reason=A+complaint", head - 2)).await.ok();
        assert_eq!(
            (read["items"][0]["seq"].as_u64(), read["items"][0]["data"]["text"].clone()),
            (Some(head - 1), json!("line 4"))
        );
        let audit =
            root.get(&format!("/admin/audit?kind=room&row={chat}&action=read+the+texts+of")).await.ok();
        assert_eq!(
            (audit["items"].as_array().unwrap().len(), audit["items"][0]["detail"].clone()),
            (1, json!("A complaint"))
        );
        log("reason=").await.refused(422);
        ana.get(&format!("/admin/rooms/{chat}/events")).await.refused(403);

        let journal = ana.post("/entries", json!({"text": "Slept badly."})).await.ok();
        root.get(&format!("/admin/rooms/entry:{}/events?reason=curious", id(&journal))).await.refused(403);
        root.get(&format!("/admin/rooms/user:{}/events?reason=curious", ana.id)).await.refused(403);
    }
}
