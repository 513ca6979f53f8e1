//! Chat sessions: how they are opened, and how messages are delivered and stored.

use futures_util::future::join_all;
use serde_json::{Value, json};
use souk::domain::sessions;
use souk::ids::{Seq, SessionId};

use crate::both_engines;
use crate::support::{Person, TestApp};

/// A request of `consumer`'s; returns its id.
async fn request_of(consumer: &Person) -> String {
    let request = json!({"category": "plumbing", "title": "A tap drips", "budget": {"currency": "EUR"}});
    consumer.post("/requests", request).await.ok()["id"].as_str().unwrap().to_owned()
}

/// An offer of `provider`'s, for tomorrow.
async fn offer_on(app: &TestApp, request: &str, provider: &Person) -> Value {
    let in_hours =
        |hours: u64| app.clock.now().plus(std::time::Duration::from_secs(hours * 3600)).to_string();
    let offer = json!({
        "price": {"amount": 4900, "currency": "EUR"},
        "slot": {"start": in_hours(24), "end": in_hours(25)},
    });
    provider.post(&format!("/requests/{request}/offers"), offer).await.ok()
}

/// Two users with a session, and the path of the session.
async fn two_who_talk(app: &TestApp) -> (Person, Person, String) {
    let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
    let request = request_of(&ana).await;
    let offer = offer_on(app, &request, &pavel).await;
    (ana, pavel, format!("/sessions/{}", offer["session_id"].as_str().unwrap()))
}

fn message_body(text: &str, client_msg_id: &str) -> Value {
    json!({"text": text, "client_msg_id": client_msg_id})
}

async fn stored_messages(who: &Person, session: &str) -> Vec<Value> {
    who.get(&format!("{session}/messages?limit=100")).await.ok()["items"].as_array().unwrap().clone()
}

/// Messages among the session room's events, with their positions; the room has offer events, too.
async fn message_events(app: &TestApp, session: &str) -> Vec<(u64, Value)> {
    let room = session.trim_start_matches('/').replace("sessions/", "session:");
    let events = app.db_events(&room).await;
    let messages = events.iter().filter(|event| &*event.kind == "message.sent");
    messages.map(|event| (event.seq.0, serde_json::from_str(event.data.get()).unwrap())).collect()
}

both_engines! {
    async fn an_offer_opens_a_session_for_its_two_sides(app) {
        let (ana, pavel, session) = two_who_talk(app).await;
        for person in [&ana, &pavel] {
            let mine = person.get("/sessions").await.ok()["items"].as_array().unwrap().clone();
            assert_eq!(mine.len(), 1);
            assert_eq!(mine[0], person.get(&session).await.ok());
            assert_eq!(mine[0]["consumer"], json!({"user_id": ana.id, "display_name": "ana"}));
            assert_eq!(mine[0]["provider"], json!({"user_id": pavel.id, "display_name": "pavel"}));
            assert_eq!(mine[0]["allowed_actions"], json!(["message", "mark"]));
            let notices = app.db_events(&format!("user:{}", person.id)).await;
            assert_eq!(notices.iter().filter(|event| &*event.kind == "session.opened").count(), 1);
        }
    }

    async fn a_booking_goes_on_in_the_session_of_its_offer(app) {
        let (ana, pavel) = (app.consumer("ana").await, app.provider("pavel").await);
        let request = request_of(&ana).await;
        let offer = offer_on(app, &request, &pavel).await;
        let accept = format!("/offers/{}/accept", offer["id"].as_str().unwrap());
        let accepted = ana.post(&accept, json!({"version": offer["version"]})).await.ok();
        let session = format!("/sessions/{}", offer["session_id"].as_str().unwrap());
        assert_eq!(pavel.get(&session).await.ok()["booking_id"], accepted["booking_id"]);
        assert!(accepted["booking_id"].is_string());
        assert_eq!(pavel.get("/sessions").await.ok()["items"].as_array().unwrap().len(), 1);
    }

    async fn what_is_said_is_heard_once_however_often_it_is_sent(app) {
        let (ana, pavel, session) = two_who_talk(app).await;
        let messages = format!("{session}/messages");
        let first = ana.post(&messages, message_body("hello", "m1")).await;
        assert_eq!(first.status, 201, "{first}");
        let again = ana.post(&messages, message_body("hello", "m1")).await;
        assert_eq!((again.status, again.json()), (200, first.json()));
        assert_eq!(pavel.post(&messages, message_body("hi", "m1")).await.status, 201, "another's m1 is another message");

        // A call with an idempotency key is idempotent, with or without a `client_msg_id`.
        let keyed = ana.post(&messages, json!({"text": "and?"})).key("k1").await;
        let repeated = ana.post(&messages, json!({"text": "and?"})).key("k1").await;
        assert_eq!((keyed.status, keyed.json()), (repeated.status, repeated.json()));

        let texts: Vec<Value> = stored_messages(&pavel, &session).await.iter().map(|message| message["text"].clone()).collect();
        assert_eq!(texts, ["and?", "hi", "hello"]);
        let message_events = message_events(app, &session).await;
        assert_eq!(message_events.len(), 3);
        assert_eq!((&message_events[0].1["client_msg_id"], &message_events[0].1["id"]), (&json!("m1"), &first.json()["id"]));
        let admins = app.db_events("admin").await;
        assert!(admins.iter().all(|event| &*event.kind != "message.sent"), "chat is private");
    }

    async fn of_many_that_send_one_message_at_once_all_get_its_answer(app) {
        let (ana, _pavel, session) = two_who_talk(app).await;
        let messages = format!("{session}/messages");
        let answers = join_all((0..24).map(|_| async { ana.post(&messages, message_body("hello", "m1")).await })).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        assert!(answers.iter().all(|answer| answer.ok() == answers[0].ok()));
        assert_eq!(stored_messages(&ana, &session).await.len(), 1);
        assert_eq!(message_events(app, &session).await.len(), 1);
    }

    async fn two_who_talk_at_once_leave_no_gap(app) {
        let (ana, pavel, session) = two_who_talk(app).await;
        let messages = format!("{session}/messages");
        let both = join_all((0..40).map(|n| {
            let (who, messages) = (if n % 2 == 0 { &ana } else { &pavel }, &messages);
            async move { who.post(messages, message_body(&format!("no {n}"), &n.to_string())).await.ok()["seq"].as_u64().unwrap() }
        }));
        let mut positions = both.await;
        positions.sort_unstable();
        let message_events = message_events(app, &session).await;
        assert_eq!(positions, message_events.iter().map(|(seq, _)| *seq).collect::<Vec<_>>());
        assert!(positions.windows(2).all(|pair| pair[1] == pair[0] + 1), "{positions:?}");
        let ids = |messages: &mut dyn Iterator<Item = &Value>| -> Vec<Value> { messages.map(|m| m["id"].clone()).collect() };
        let stored_messages = stored_messages(&ana, &session).await;
        assert_eq!(ids(&mut stored_messages.iter().rev()), ids(&mut message_events.iter().map(|(_, message)| message)));
        assert_eq!(ana.get(&session).await.ok()["head"], positions[39]);
    }

    async fn history_is_paged_from_the_newest(app) {
        let (ana, pavel, session) = two_who_talk(app).await;
        let messages = format!("{session}/messages");
        for n in 1..=5 {
            ana.post(&messages, message_body(&n.to_string(), &n.to_string())).await.ok();
        }
        let first = pavel.get(&format!("{messages}?limit=3")).await.ok();
        let cursor = first["next_cursor"].as_str().unwrap();
        // New messages do not shift the pages.
        pavel.post(&messages, message_body("6", "6")).await.ok();
        let second = pavel.get(&format!("{messages}?limit=3&cursor={cursor}")).await.ok();
        let texts = |page: &Value| -> Vec<Value> {
            page["items"].as_array().unwrap().iter().map(|message| message["text"].clone()).collect()
        };
        assert_eq!((texts(&first), texts(&second)), (vec![json!("5"), json!("4"), json!("3")], vec![json!("2"), json!("1")]));
        assert_eq!(second["next_cursor"], Value::Null);
    }

    async fn a_marker_only_goes_forward_and_never_past_what_happened(app) {
        let (ana, pavel, session) = two_who_talk(app).await;
        ana.post(&format!("{session}/messages"), message_body("hello", "m1")).await.ok();
        let head = pavel.get(&session).await.ok()["head"].as_u64().unwrap();
        assert_eq!(head, 2, "the offer and the message");
        let id: SessionId = session.trim_start_matches("/sessions/").parse().unwrap();
        for (up_to, marked) in [(1, 1), (0, 1), (head + 7, head), (1, head)] {
            let scope = app.db_scope(&pavel).await;
            let marking = app.server.db.write(move |uow| sessions::mark_read(uow, &scope, id, Seq(up_to)));
            assert_eq!(marking.await.unwrap(), Seq(marked));
            assert_eq!(pavel.get(&session).await.ok()["read"], marked);
        }
        assert_eq!(ana.get(&session).await.ok()["read"], 0, "each has their own");
    }

    async fn what_cannot_be_said_is_refused_with_its_reasons(app) {
        let (ana, _pavel, session) = two_who_talk(app).await;
        let messages = format!("{session}/messages");
        let problem = ana.post(&messages, message_body("  ", &"m".repeat(65))).await.refused(422);
        let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["text", "client_msg_id"]);
        ana.post(&messages, message_body(&"x".repeat(4001), "m1")).await.refused(422);
        ana.post(&messages, message_body(&"x".repeat(4000), "m1")).await.ok();
        ana.post(&messages, json!({"client_msg_id": "m2"})).await.refused(422);
    }

    async fn strangers_stay_outside_and_an_admin_reads_on_the_record_but_does_not_speak(app) {
        let (ana, _pavel, session) = two_who_talk(app).await;
        let (eve, rita, root) = (app.consumer("eve").await, app.provider("rita").await, app.db_admin("root").await);
        let messages = format!("{session}/messages");
        ana.post(&messages, message_body("hello", "m1")).await.ok();
        for stranger in [&eve, &rita] {
            stranger.get(&session).await.refused(403);
            stranger.get(&messages).await.refused(403);
            let refusal = stranger.post(&messages, message_body("hi", "m1")).await.refused(403);
            assert_eq!(refusal["detail"], "to message this session you must be one of its parties");
            assert_eq!(stranger.get("/sessions").await.ok()["items"], json!([]));
        }
        assert_eq!(root.get(&session).await.ok()["allowed_actions"], json!([]));
        assert_eq!(stored_messages(&root, &session).await.len(), 1);
        root.post(&messages, message_body("let me", "m1")).await.refused(403);
        assert_eq!(stored_messages(&ana, &session).await.len(), 1);

        let trail = app.db_audit("session", session.trim_start_matches("/sessions/")).await;
        let count = |what: &str| trail.iter().filter(|row| *row == what).count();
        assert_eq!((count("admin read"), count("refused read"), count("refused message")), (2, 4, 3));
        app.anyone().get(&session).await.refused(401);
        ana.get("/sessions/01890a5d-ac96-774b-bcce-b302099a8057").await.refused(404);
    }
}
