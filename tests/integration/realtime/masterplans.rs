//! The `masterplan` command.

use serde_json::{Value, json};

use super::reflections::{OLLAMA, each_engine, piece, with_model};
use crate::both_engines;
use crate::support::model_server::Step;
use crate::support::{Engine, Person, SocketIo, id};

async fn conversation(who: &Person) -> String {
    id(&who.post("/conversations", json!({})).await.ok()).to_owned()
}

fn wanted(conversation: &str) -> Value {
    json!({"type": "masterplan", "conversation_id": conversation, "title": "The kitchen", "text": "The tap drips."})
}

both_engines! {
    async fn a_plan_is_drafted_while_the_session_goes_on(app with ["--free-plans-per-day=2"]) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        let conversation = conversation(&ana).await;
        let mut socket = ana.live().await;
        let answer = socket.ack(wanted(&conversation)).await;
        assert_eq!(answer["conversation_id"], conversation);
        let created = socket.event("masterplan.created").await;
        assert_eq!(created["data"]["masterplan_id"], answer["masterplan_id"]);
        let path = format!("/masterplans/{}", answer["masterplan_id"].as_str().unwrap());
        assert_eq!(ana.get(&path).await.ok()["title"], "The kitchen");
        let mut older = SocketIo::connect(app.address, ana.token().unwrap()).await;
        let answer = older.emit("masterplan", wanted(&conversation)).await;
        assert_eq!((&answer["ok"], &answer["conversation_id"]), (&json!(true), &json!(conversation)));
        assert_eq!(socket.event("masterplan.created").await["data"]["masterplan_id"], answer["masterplan_id"]);
        let third = socket.ack(wanted(&conversation)).await;
        let refused = socket.recv("masterplan.error").await;
        assert_eq!((&refused["code"], &refused["masterplan_id"]), (&json!("quota_exceeded"), &third["masterplan_id"]));
        let mut stranger = eve.live().await;
        stranger.ack(wanted(&conversation)).await;
        assert_eq!(stranger.recv("masterplan.error").await["code"], "forbidden");
        let mut wrong = wanted(&conversation);
        wrong["category"] = json!("A B");
        assert_eq!(socket.request(wrong).await["code"], "invalid");
    }
}

fn who_asks_for_a_plan_may_go_on_and_is_told_of_its_failure(engine: Engine) {
    let cut = vec![OLLAMA.head(), piece("{\"summary\":")];
    let stalled = vec![OLLAMA.head(), piece("{\"summary\":"), Step::Stall];
    with_model(engine, &[], vec![cut, stalled], async |app, model| {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let mut socket = ana.live().await;
        socket.ack(wanted(&conversation)).await;
        assert_eq!(socket.recv("masterplan.error").await["code"], "generator_cut");
        socket.ack(wanted(&conversation)).await;
        model.asked().await;
        model.asked().await;
        socket.recv_pong().await;
        socket.close().await;
        model.left().await;
        let listed = ana.get(&format!("/conversations/{conversation}/masterplans")).await.ok();
        assert_eq!(listed["items"], json!([]));
    });
}

each_engine! { who_asks_for_a_plan_may_go_on_and_is_told_of_its_failure }
