//! Messages that wait for their answers, and what is written for nothing.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::answers::{conversation, message, open, said, text_so_far, told};
use super::reflections::{OLLAMA, each_engine, piece, whole, with_model};
use crate::both_engines;
use crate::support::model_server::{Step, end};
use crate::support::{Engine, Person, eventually};

/// An answer that is written when it may go on.
fn slow(go: &Arc<Notify>) -> Vec<Step> {
    vec![OLLAMA.head(), piece("Slow."), Step::Until(go.clone()), Step::Chunk(OLLAMA.done()), end()]
}

fn form(name: &str) -> Value {
    json!({"text": "Hello there.", "client_msg_id": name})
}

async fn used(who: &Person) -> Value {
    who.get("/me/limits").await.ok()["generated_characters_per_day"]["used"].clone()
}

fn what_is_accepted_is_answered_however_many_come_at_once(engine: Engine) {
    let go = Arc::new(Notify::new());
    let scripts = std::iter::once(slow(&go)).chain((0..16).map(|_| whole("Yes."))).collect();
    with_model(engine, &[], scripts, async |app, model| {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        let conversation = conversation(&ana).await;
        let path = format!("/conversations/{conversation}/messages");
        let mut socket = open(&ana, &conversation).await;
        let first = socket.ack(message(&conversation, "Hello there.", "m0")).await;
        text_so_far(&mut socket, "Slow.").await;
        model.asked().await;
        let names: Vec<_> = (1..=24).map(|number| format!("m{number}")).collect();
        let (who, to) = (&ana, path.as_str());
        let all = names.iter().map(|name| async move { (name, who.post(to, form(name)).key(name).await) });
        let (accepted, refused): (Vec<_>, Vec<_>) =
            join_all(all).await.into_iter().partition(|(_, answer)| answer.status == 202);
        assert_eq!(accepted.len(), 16, "as many as may wait");
        for (name, answer) in &refused {
            assert_eq!(answer.refused(429)["code"], "limited", "{name}");
        }
        let (name, known) = &accepted[0];
        let again = [ana.post(&path, form(name)).key(name).await, ana.post(&path, form(name)).await];
        for again in again {
            assert_eq!((again.status, again.header("location")), (202, known.header("location")));
        }
        let repeated = socket.ack(message(&conversation, "Hello there.", "m0")).await;
        assert_eq!(repeated["answer_id"], first["answer_id"]);
        eve.post(&path, form("e1")).await.refused(403);
        assert_eq!(said(&ana, &conversation).await.len(), 17, "what is refused is not stored");
        go.notify_one();
        for (_, answer) in &accepted {
            let location = answer.header("location").unwrap();
            eventually(async || ana.get(location).await.ok()["status"] == "done").await;
        }
    });
}

fn an_answer_that_is_asked_for_without_a_socket_too_goes_on_when_it_closes(engine: Engine) {
    let go = Arc::new(Notify::new());
    let stalled = vec![OLLAMA.head(), piece("Half of a "), Step::Stall];
    let flags = ["--generator-abandon-timeout=200ms", "--free-generations=2"];
    with_model(engine, &flags, vec![slow(&go), stalled, whole("Yes.")], async |app, model| {
        let ana = app.consumer("ana").await;
        let (kept, left) = (conversation(&ana).await, conversation(&ana).await);
        let mut socket = open(&ana, &kept).await;
        socket.ack(message(&kept, "Hello there.", "m1")).await;
        text_so_far(&mut socket, "Slow.").await;
        socket.ack(message(&kept, "Hello there.", "m2")).await;
        let mut other = open(&ana, &left).await;
        other.ack(message(&left, "Hello there.", "m1")).await;
        text_so_far(&mut other, "Half of a ").await;
        let path = format!("/conversations/{kept}/messages");
        let mut answers = Vec::new();
        for name in ["m1", "m2"] {
            let accepted = ana.post(&path, form(name)).await;
            assert_eq!(accepted.status, 202);
            answers.push(accepted.header("location").unwrap().to_owned());
        }
        socket.close().await;
        other.close().await;
        // The one that nobody came for is given up, and after it left, so would be the other.
        model.left().await;
        go.notify_one();
        for answer in &answers {
            eventually(async || ana.get(answer).await.ok()["status"] == "done").await;
        }
    });
}

fn what_is_written_for_nothing_is_counted(engine: Engine) {
    let stalled = vec![OLLAMA.head(), piece("Half of a "), Step::Stall];
    with_model(engine, &["--free-generated-characters-per-day=10"], vec![stalled], async |app, model| {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let mut socket = open(&ana, &conversation).await;
        socket.ack(message(&conversation, "Hello there.", "m1")).await;
        text_so_far(&mut socket, "Half of a ").await;
        socket.ack(message(&conversation, "Hello there.", "m2")).await;
        socket.ack(json!({"type": "cancel", "conversation_id": conversation})).await;
        model.left().await;
        assert_eq!(socket.recv("answer.error").await["code"], "cancelled");
        assert_eq!(used(&ana).await, 10);
        let next = socket.recv("answer.error").await;
        assert_eq!(next["code"], "quota_exceeded", "what waited is not written any more");
        assert!(next["retry_after"].as_u64().unwrap() <= 86_400, "{next}");
        assert_eq!(used(&ana).await, 10);
    });
}

fn a_blank_answer_is_none(engine: Engine) {
    let blank = vec![OLLAMA.head(), piece("\0"), piece(" \n"), Step::Chunk(OLLAMA.done()), end()];
    with_model(engine, &[], vec![blank], async |app, _| {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let mut socket = open(&ana, &conversation).await;
        socket.ack(message(&conversation, "Hello there.", "m1")).await;
        assert_eq!(told(&mut socket).await.end["code"], "generator_malformed");
        assert_eq!(said(&ana, &conversation).await.len(), 1);
    });
}

fn what_waits_when_its_sender_signs_out_is_not_written(engine: Engine) {
    let go = Arc::new(Notify::new());
    with_model(engine, &[], vec![slow(&go)], async |app, _| {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let path = format!("/conversations/{conversation}/messages");
        let mut answers = Vec::new();
        for name in ["m1", "m2"] {
            let accepted = ana.post(&path, form(name)).await;
            answers.push(accepted.header("location").unwrap().to_owned());
        }
        eventually(async || ana.get(&answers[0]).await.ok()["text"] == "Slow.").await;
        ana.post("/auth/logout", Value::Null).await.ok();
        go.notify_one();
        let ana = app.log_in("ana").await;
        for answer in &answers {
            eventually(async || ana.get(answer).await.ok()["error"]["code"] == "forbidden").await;
        }
        assert_eq!(used(&ana).await, 5, "the second was not begun");
    });
}

each_engine! {
    what_is_accepted_is_answered_however_many_come_at_once,
    an_answer_that_is_asked_for_without_a_socket_too_goes_on_when_it_closes,
    what_is_written_for_nothing_is_counted,
    a_blank_answer_is_none,
    what_waits_when_its_sender_signs_out_is_not_written,
}

both_engines! {
    async fn no_title_is_kept_as_plain_text_for_replays(app) {
        let ana = app.consumer("ana").await;
        let begin = || ana.post("/conversations", json!({"title": "A secret bathroom"})).key("c");
        let begun = begin().await;
        let address = begun.header("location").unwrap().to_owned();
        let rename = || ana.patch(&address, json!({"title": "A secret kitchen"})).key("r");
        let renamed = rename().await.ok();
        assert_eq!((begin().await.ok(), rename().await.ok()), (begun.ok(), renamed));
        let kept: Vec<String> = app.server.db.read(|uow| {
            use diesel::prelude::*;
            use souk::db::schema::idempotency_keys::dsl;
            Ok::<_, souk::db::DbError>(dsl::idempotency_keys.select(dsl::body).load(uow.conn())?)
        }).await.unwrap();
        assert_eq!(kept.len(), 2);
        assert!(kept.iter().all(|body| !body.contains("secret")), "{kept:?}");
    }
}
