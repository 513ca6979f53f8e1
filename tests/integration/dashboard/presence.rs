//! Who was in a room when an event was sent.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, Socket, TestApp, id};

const MARKET: &str = "market:plumbing";

async fn presence(root: &Person, room: &str, query: &str) -> Value {
    root.get(&format!("/admin/rooms/{room}/presence?{query}")).await.ok()
}

/// The users who were in the market when the event at this position was sent.
async fn were_there(root: &Person, at: u64) -> Vec<String> {
    users(&presence(root, MARKET, &format!("at={at}")).await)
}

/// Whose connections are listed, in the order of names.
fn users(presence: &Value) -> Vec<String> {
    let members = presence["members"].as_array().unwrap();
    assert_eq!(presence["connections"], members.len(), "{presence}");
    let mut users: Vec<_> = members
        .iter()
        .map(|member| member["user_email"].as_str().unwrap().replace("@example.com", ""))
        .collect();
    users.sort_unstable();
    users
}

async fn join(socket: &mut Socket, room: &str) {
    socket.ack(json!({"type": "join", "room": room})).await;
}

/// Has an event sent in the market, and waits until these have it; its position.
async fn publish(app: &TestApp, ana: &Person, hearing: &mut [&mut Socket]) -> u64 {
    app.request(ana).await;
    let mut at = 0;
    for socket in hearing {
        at = socket.event("request.published").await["seq"].as_u64().unwrap();
    }
    at
}

both_engines! {
    async fn who_was_there_when_an_event_was_sent_is_told_by_its_position(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let (ben, cleo) = (app.provider("ben").await, app.provider("cleo").await);
        let nothing = presence(&root, MARKET, "").await;
        assert_eq!((nothing["known_since"].clone(), users(&nothing)), (Value::Null, vec![]));

        app.request(&ana).await;
        let (mut one, mut two) = (ben.live().await, cleo.live().await);
        join(&mut one, MARKET).await;
        assert_eq!(publish(app, &ana, &mut [&mut one]).await, 2);
        join(&mut two, MARKET).await;
        assert_eq!(publish(app, &ana, &mut [&mut one, &mut two]).await, 3);
        one.ack(json!({"type": "leave", "room": MARKET})).await;
        assert_eq!(publish(app, &ana, &mut [&mut two]).await, 4);
        join(&mut one, MARKET).await;
        assert_eq!(publish(app, &ana, &mut [&mut one, &mut two]).await, 5);
        let killed = root.get(&format!("/admin/sessions?user_id={}", cleo.id)).await.ok()["items"][0].clone();
        root.delete(&format!("/admin/sessions/{}", id(&killed))).await.ok();
        two.closed().await;
        assert_eq!(publish(app, &ana, &mut [&mut one]).await, 6);

        for (at, expected) in
            [(2, &["ben"][..]), (3, &["ben", "cleo"]), (4, &["cleo"]), (5, &["ben", "cleo"]), (6, &["ben"])]
        {
            assert_eq!(were_there(&root, at).await, expected, "at {at}");
        }
        let first = presence(&root, MARKET, "at=2").await;
        assert_eq!((first["at"].clone(), first["known_since"].clone()), (json!(2), json!(2)));
        assert_eq!((first["users"].clone(), first["connections"].clone()), (json!(1), json!(1)));
        let left = &first["members"][0];
        assert_eq!((left["user_id"].clone(), left["joined_after"].clone()), (json!(ben.id), json!(1)));
        assert_eq!(left["left_after"], 3, "and joined again after 4, which is another membership");
        let before = presence(&root, MARKET, "at=1").await;
        assert_eq!(before["known_since"], 2, "what was before the first join is not known");
        assert_eq!(users(&before), [""; 0]);

        let now = presence(&root, MARKET, "").await;
        assert_eq!((users(&now), now["at"].clone()), (vec!["ben".to_owned()], Value::Null));
        assert_eq!(now["members"][0]["left_after"], Value::Null);
        assert_eq!(were_there(&root, 99).await, ["ben"], "a position without an event yet is now");

        one.ack(json!({"type": "leave", "room": MARKET})).await;
        app.request(&ana).await;
        assert_eq!(were_there(&root, 6).await, ["ben"], "also of a room that nobody is in any more");
        assert_eq!(were_there(&root, 7).await, [""; 0]);
        join(&mut one, MARKET).await;
        assert_eq!(publish(app, &ana, &mut [&mut one]).await, 8);
        assert_eq!((were_there(&root, 7).await.len(), were_there(&root, 8).await.len()), (0, 1));
        assert_eq!(presence(&root, MARKET, "at=7").await["known_since"], 2, "nothing was forgotten");

        join(&mut one, MARKET).await;
        assert_eq!(publish(app, &ana, &mut [&mut one]).await, 9);
        one.ack(json!({"type": "leave", "room": MARKET})).await;
        for at in [8, 9] {
            assert_eq!(were_there(&root, at).await, ["ben"], "who joins again never left, at {at}");
        }

        let audit = root.get(&format!("/admin/audit?kind=room&row={MARKET}")).await.ok();
        assert_eq!(audit["items"][0]["action"], "list the past members of");
    }

    async fn who_was_refused_was_not_there_and_an_admin_who_views_is_not_the_user(app) {
        let (root, ana) = (app.db_admin("root").await, app.consumer("ana").await);
        let (ben, cleo) = (app.provider("ben").await, app.provider("cleo").await);
        let request = app.request(&ana).await;
        app.offer(&ben, &request).await;
        let chat = format!("session:{}", id(&ana.get("/sessions?limit=1").await.ok()["items"][0]));
        let (mut hers, mut strangers) = (ana.live().await, cleo.live().await);
        join(&mut hers, &chat).await;
        let refused = strangers.request(json!({"type": "join", "room": chat})).await;
        assert_eq!(refused["code"], "forbidden");
        let message = json!({"type": "chat_message", "room": chat, "text": "Hello", "client_msg_id": "1"});
        hers.ack(message).await;
        let head = hers.event("message.sent").await["seq"].as_u64().unwrap();
        assert_eq!(users(&presence(&root, &chat, &format!("at={head}")).await), ["ana"]);

        let path = format!("/admin/users/{}/view-as", ben.id);
        let view = root.post(&path, json!({"reason": "a complaint"})).await.ok();
        let viewer = app.person(view["access_token"].as_str().unwrap()).await;
        let mut seen = viewer.live().await;
        join(&mut seen, MARKET).await;
        let at = publish(app, &ana, &mut [&mut seen]).await;
        assert_eq!(were_there(&root, at).await, ["root"]);
        seen.close().await;
    }

    async fn of_private_rooms_only_the_number_is_told_and_only_admins_are_told_any(app) {
        let (root, ana, ben) =
            (app.db_admin("root").await, app.consumer("ana").await, app.provider("ben").await);
        let journal = ana.post("/entries", json!({"text": "Slept badly."})).await.ok();
        let (entry, own) = (format!("entry:{}", id(&journal)), format!("user:{}", ana.id));
        let mut live = ana.live().await;
        join(&mut live, &entry).await;
        for room in [&entry, &own] {
            let told = presence(&root, room, "").await;
            assert_eq!((told["users"].clone(), told["connections"].clone()), (json!(1), json!(1)), "{room}");
            assert_eq!(told["members"], Value::Null, "{room}");
        }
        for (who, status) in [(&ana, 403), (&ben, 403)] {
            who.get(&format!("/admin/rooms/{MARKET}/presence?at=1")).await.refused(status);
        }
        root.get(&format!("/admin/rooms/{MARKET}/presence?at=0")).await.refused(422);
        root.get(&format!("/admin/rooms/{MARKET}/presence?at=first")).await.refused(422);
        root.get("/admin/rooms/nowhere:1/presence").await.refused(404);
    }
}
