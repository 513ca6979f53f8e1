//! `signal`: small values of which only the newest counts, told to the other members and not stored.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, Socket, SocketIo, TestApp};

use super::fixtures::db_session;

async fn chat(app: &TestApp) -> (Person, Person, String) {
    let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
    let room = db_session(app, &ana, &ben).await;
    (ana, ben, room)
}

async fn join(person: &Person, room: &str) -> Socket {
    let mut socket = person.live().await;
    socket.ack(json!({"type": "join", "room": room})).await;
    socket
}

both_engines! {
    async fn a_signal_reaches_the_other_members_in_either_dialect(app) {
        let (ana, ben, room) = chat(app).await;
        let (mut here, mut too) = (join(&ana, &room).await, join(&ana, &room).await);
        let session = room.strip_prefix("session:").unwrap();
        let mut other = SocketIo::connect(app.address, ben.token().unwrap()).await;
        other.emit("join_session", json!({"session_id": session})).await;
        let data = json!({"lat": 48.2, "lng": 16.4, "deep": [[[1]]]});
        here.ack(json!({"type": "signal", "room": room, "topic": "on-the-way", "data": data})).await;
        let expected = json!({"type": "signal", "room": room, "by": ana.id, "topic": "on-the-way", "data": data});
        assert_eq!(too.recv("signal").await, expected, "also the sender's other connections");
        let heard = other.recv("signal").await;
        let as_event = json!({"room": room, "session_id": session, "by": ana.id, "topic": "on-the-way", "data": data});
        assert_eq!(heard, as_event);
        other.emit("signal", json!({"session_id": session, "topic": "eta"})).await;
        assert_eq!(here.recv("signal").await["data"], Value::Null, "a topic alone is a signal, too");
        assert!(here.take_all("signal").is_empty(), "and none comes back");
        // Nothing of it is stored.
        let log = ana.read_log(&room).await;
        assert!(log.iter().all(|event| event["kind"] != "signal"), "{log:?}");
    }

    async fn what_is_no_signal_is_refused_with_what_it_must_be(app) {
        let (ana, ben, room) = chat(app).await;
        let mut live = join(&ana, &room).await;
        let mut hears = join(&ben, &room).await;
        let text = |length: usize| "x".repeat(length);
        let fits = json!({"type": "signal", "room": room, "topic": text(64), "data": text(1022)});
        live.ack(fits).await;
        assert_eq!(hears.recv("signal").await["data"], text(1022), "1 KiB with its quotation marks");
        for (wrong, why) in [
            (json!({"topic": text(65)}), "`topic` must be 1 to 64 bytes without control characters"),
            (json!({"topic": ""}), "`topic` must be 1 to 64 bytes without control characters"),
            (json!({"topic": "a\u{7}"}), "`topic` must be 1 to 64 bytes without control characters"),
            (json!({"topic": null}), "missing field `topic`"),
            (json!({"topic": 1}), "`topic` must be a string"),
            (json!({"data": text(1023)}), "`data` must be plain JSON of at most 1024 bytes"),
            (json!({"room": format!("user:{}", ana.id)}), "`room` is none where people write to each other"),
        ] {
            let mut signal = json!({"type": "signal", "room": room, "topic": "t", "data": 1});
            for (name, value) in wrong.as_object().unwrap() {
                signal[name] = value.clone();
            }
            let refused = live.request(signal).await;
            assert_eq!((&refused["code"], &refused["message"]), (&json!("invalid"), &json!(why)));
        }
        let mut outside = ana.live().await;
        let refused = outside.request(json!({"type": "signal", "room": room, "topic": "t"})).await;
        assert_eq!(refused["code"], "not_joined", "{refused}");
        hears.recv_pong().await;
        assert!(hears.take_all("signal").is_empty(), "nobody heard of any of them");
    }

    async fn a_signal_counts_as_a_message(app) {
        let (ana, _ben, room) = chat(app).await;
        let mut live = join(&ana, &room).await;
        let signal = json!({"type": "signal", "room": room, "topic": "t", "data": 1});
        let mut refused = None;
        for _ in 0..1000 {
            let answer = live.request(signal.clone()).await;
            if answer["type"] == "error" {
                refused = Some(answer);
                break;
            }
        }
        assert_eq!(refused.expect("a limit")["code"], "rate_limited");
    }
}
