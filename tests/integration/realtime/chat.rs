//! Chat between two users.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Socket, TestApp};

use super::fixtures::{db_ring_all, db_session};

/// Ana and Ben, both joined to their session's room; the room.
async fn talking(app: &TestApp) -> (Socket, Socket, String) {
    let ana = app.consumer("ana").await;
    let ben = app.provider("ben").await;
    let room = db_session(app, &ana, &ben).await;
    let mut sockets = (ana.live().await, ben.live().await);
    for socket in [&mut sockets.0, &mut sockets.1] {
        let ack = socket.ack(json!({"type": "join", "room": room})).await;
        assert_eq!((&ack["room"], &ack["recovered"]), (&json!(room), &json!(false)));
    }
    (sockets.0, sockets.1, room)
}

fn message(room: &str, id: &str, text: &str) -> Value {
    json!({"type": "chat_message", "room": room, "client_msg_id": id, "text": text})
}

fn positions(events: &Value) -> Vec<u64> {
    events.as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

/// So many events fit into the mailbox of a worker thread.
const CROWD: u32 = 1_000;

both_engines! {
    // What comes by way of the hub comes after what was committed before. A hub that is quicker shows nothing: then it is
    // tried again.
    async fn the_sender_of_a_message_hears_it_with_the_answer_and_not_when_the_hub_comes_to_it(
        app with ["--outbox-soft=8MiB", "--outbox-hard=16MiB"]
    ) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let room = db_session(app, &ana, &ben).await;
        let mut socket = ana.live().await;
        socket.ack(json!({"type": "join", "room": room})).await;
        for round in 0..20 {
            db_ring_all(app, &ana.room(), 1..=CROWD).await;
            socket.send(message(&room, &round.to_string(), "hello")).await;
            let (mut heard, mut before, mut own) = (0, Value::Null, None);
            while heard < CROWD || own.is_none() {
                let next = socket.next().await.unwrap();
                match next["kind"].as_str() {
                    Some("bell.rang") => heard += 1,
                    Some("message.sent") => own = Some((heard, before)),
                    _ => {}
                }
                before = next;
            }
            if let Some((heard, before)) = own.filter(|(heard, _)| *heard < CROWD) {
                assert_eq!(before["type"], "ack", "nothing comes between, after {heard} events: {before}");
                return;
            }
        }
        panic!("the message always waited for the hub");
    }

    async fn a_message_is_acked_and_heard_once_by_both(app) {
        let (mut ana, mut ben, room) = talking(app).await;
        let ack = ana.ack(message(&room, "m-1", " hello ")).await;
        assert_eq!((&ack["seq"], &ack["client_msg_id"]), (&json!(1), &json!("m-1")));
        for socket in [&mut ana, &mut ben] {
            let event = socket.event("message.sent").await;
            assert_eq!((&event["room"], &event["seq"], &event["at"]), (&json!(room), &json!(1), &ack["at"]));
            assert_eq!((&event["data"]["text"], &event["data"]["id"]), (&json!("hello"), &ack["message_id"]));
        }
        let mut again = ana.ack(message(&room, "m-1", "hello again")).await;
        again["id"] = ack["id"].clone();
        assert_eq!(again, ack, "the same message, the same answer");
        assert_eq!(ben.ack(message(&room, "m-1", "mine")).await["seq"], 2, "names are each sender's own");
        assert_eq!(ben.event("message.sent").await["seq"], 2, "and nothing came twice");
    }

    async fn a_message_that_does_not_fit_is_refused(app) {
        let (mut ana, _ben, room) = talking(app).await;
        for (field, value) in [("text", " "), ("client_msg_id", ""), ("room", "admin")] {
            let mut wrong = message(&room, "m", "text");
            wrong[field] = value.into();
            let error = ana.request(wrong).await;
            assert_eq!(error["code"], "invalid", "{field}");
            assert!(error["message"].as_str().unwrap().starts_with(&format!("`{field}`")), "{error}");
        }
        let own = format!("session:{}", "01890a5d-ac96-774b-bcce-b302099a8057");
        assert_eq!(ana.request(message(&own, "m", "text")).await["code"], "not_found");
    }

    async fn strangers_neither_hear_nor_speak(app) {
        let (_ana, _ben, room) = talking(app).await;
        let mut eve = app.consumer("eve").await.live().await;
        for request in [
            json!({"type": "join", "room": room}),
            json!({"type": "history", "room": room}),
            json!({"type": "read", "room": room, "seq": 1}),
            message(&room, "m", "let me in"),
        ] {
            assert_eq!(eve.request(request.clone()).await["code"], "forbidden", "{request}");
        }
        for request in [json!({"type": "typing", "room": room}), json!({"type": "presence", "room": room})] {
            assert_eq!(eve.request(request.clone()).await["code"], "not_joined", "{request}");
        }
    }

    async fn who_was_away_resumes_after_what_it_saw(app) {
        let (mut ana, mut ben, room) = talking(app).await;
        for n in 1..=5 {
            ana.ack(message(&room, &format!("m-{n}"), "hello")).await;
        }
        ben.ack(json!({"type": "leave", "room": room})).await;
        let ack = ben.ack(json!({"type": "join", "room": room, "since": 2})).await;
        assert_eq!((&ack["head"], &ack["recovered"]), (&json!(5), &json!(true)));
        assert_eq!(positions(&ack["events"]), [3, 4, 5]);
        let ack = ben.ack(json!({"type": "join", "room": room, "since": 5})).await;
        assert_eq!((&ack["recovered"], &ack["events"]), (&json!(true), &json!([])));
        let ack = ben.ack(json!({"type": "join", "room": room, "since": 99})).await;
        assert_eq!(ack["recovered"], false, "no such position");
    }

    async fn what_is_too_much_to_replay_is_not_recovered(app with ["--replay-max=2"]) {
        let (mut ana, mut ben, room) = talking(app).await;
        ben.ack(json!({"type": "leave", "room": room})).await;
        for n in 1..=3 {
            ana.ack(message(&room, &format!("m-{n}"), "hello")).await;
        }
        let ack = ben.ack(json!({"type": "join", "room": room, "since": 0})).await;
        assert_eq!((&ack["head"], &ack["recovered"], &ack["events"]), (&json!(3), &json!(false), &Value::Null));
        ana.ack(message(&room, "m-4", "hello")).await;
        assert_eq!(ben.event("message.sent").await["seq"], 4, "what follows is heard all the same");
    }

    async fn history_goes_back_page_by_page(app with ["--free-messages=1000"]) {
        let (mut ana, _ben, room) = talking(app).await;
        for n in 1..=7 {
            ana.ack(message(&room, &format!("m-{n}"), "hello")).await;
        }
        let mut before = Value::Null;
        let mut seen = Vec::new();
        for (page, has_more) in [(vec![5, 6, 7], true), (vec![2, 3, 4], true), (vec![1], false)] {
            let ack = ana.ack(json!({"type": "history", "room": room, "limit": 3, "before": before})).await;
            assert_eq!((positions(&ack["events"]), &ack["has_more"]), (page, &json!(has_more)));
            before = ack["events"][0]["seq"].clone();
            seen.extend(positions(&ack["events"]));
        }
        assert_eq!(seen.len(), 7);
    }

    async fn a_page_ends_where_the_client_could_not_take_more(app with ["--free-messages=1000", "--outbox-soft=16KiB"]) {
        let (mut ana, _ben, room) = talking(app).await;
        for n in 1..=5 {
            ana.ack(message(&room, &format!("m-{n}"), &"x".repeat(4000))).await;
        }
        let ack = ana.ack(json!({"type": "history", "room": room})).await;
        assert_eq!((positions(&ack["events"]), &ack["has_more"]), (vec![4, 5], &json!(true)));
    }

    async fn the_others_see_who_is_typing(app) {
        let (mut ana, mut ben, room) = talking(app).await;
        ana.send(json!({"type": "typing", "room": room})).await;
        let typing = ben.recv("typing").await;
        assert_eq!(typing["room"], room.as_str());
        ana.ack(json!({"type": "typing", "room": room})).await;
        assert!(!ana.left().iter().any(|notice| notice["type"] == "typing"), "not its own");
    }

    async fn members_know_of_each_other(app) {
        let (mut ana, ben, room) = talking(app).await;
        let ack = ana.ack(json!({"type": "presence", "room": room})).await;
        assert_eq!(ack["members"].as_array().unwrap().len(), 2);
        let joined = ana.recv("presence").await;
        assert_eq!(joined["room"], room.as_str());
        ben.close().await;
        let left = ana.recv("presence").await;
        assert_eq!(left["left"], joined["joined"]);
    }

    async fn a_marker_is_taken_and_a_request_without_an_id_is_answered_only_with_something(app) {
        let (mut ana, _ben, room) = talking(app).await;
        ana.ack(message(&room, "m-1", "hello")).await;
        let ack = ana.ack(json!({"type": "read", "room": room, "seq": 1})).await;
        assert_eq!(ack.as_object().unwrap().len(), 2, "{ack}");
        ana.send(json!({"type": "read", "room": room, "seq": 1})).await;
        ana.send(message(&room, "m-2", "hello")).await;
        let ack = ana.recv("ack").await;
        assert_eq!((&ack["client_msg_id"], &ack["id"]), (&json!("m-2"), &Value::Null));
    }
}
