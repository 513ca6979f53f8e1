//! Quotas of the assistant, by plan and day.

use std::time::Duration;

use serde_json::{Value, json};
use souk::domain::users::{Plan, service};

use crate::both_engines;
use crate::support::{Person, Socket, TestApp, eventually, id};

async fn conversation(who: &Person) -> String {
    id(&who.post("/conversations", json!({})).await.ok()).to_owned()
}

/// Says something, and waits for the answer.
async fn say(who: &Person, conversation: &str, text: &str) {
    let path = format!("/conversations/{conversation}/messages");
    let accepted = who.post(&path, json!({"text": text})).await;
    let answer = accepted.header("location").unwrap_or_else(|| panic!("{accepted}")).to_owned();
    eventually(async || who.get(&answer).await.ok()["status"] == "done").await;
}

async fn change_plan(app: &TestApp, admin: &Person, who: &Person, plan: Plan) {
    let (scope, user) = (app.db_scope(admin).await, who.user());
    app.server.db.write(move |uow| service::change_plan(uow, &scope, user, plan, None)).await.unwrap();
}

/// Until a second after the next midnight in UTC.
fn until_tomorrow(app: &TestApp) -> Duration {
    let day = 86_400;
    Duration::from_secs(u64::try_from(day - app.clock.now().as_seconds().rem_euclid(day)).unwrap() + 1)
}

both_engines! {
    async fn each_plan_has_its_own_quotas(
        app with [
            "--free-messages-per-day=1", "--pro-messages-per-day=2", "--enterprise-messages-per-day=3",
            "--free-plans-per-day=11", "--pro-plans-per-day=12", "--enterprise-plans-per-day=13",
            "--free-generated-characters-per-day=10001", "--pro-generated-characters-per-day=10002",
            "--enterprise-generated-characters-per-day=10003",
        ]
    ) {
        let root = app.db_admin("root").await;
        for (number, plan) in [(1_u64, Plan::Free), (2, Plan::Pro), (3, Plan::Enterprise)] {
            let ana = app.consumer(&format!("ana{number}")).await;
            change_plan(app, &root, &ana, plan).await;
            let mut socket = Socket::connect(app.address, &ana.live_path()).await;
            let limits = socket.recv("connection_established").await["limits"].clone();
            assert_eq!(limits["messages_per_day"], number, "{plan}");
            assert_eq!(limits["plans_per_day"], 10 + number, "{plan}");
            assert_eq!(limits["generated_characters_per_day"], 10_000 + number, "{plan}");
            let conversation = conversation(&ana).await;
            for _ in 0..number {
                say(&ana, &conversation, "Hello there.").await;
            }
            let refused = ana.post(&format!("/conversations/{conversation}/messages"), json!({"text": "More."})).await;
            assert_eq!(refused.refused(429)["code"], "quota_exceeded", "{plan}");
            let mine = ana.get("/me/limits").await.ok();
            assert_eq!(mine["messages_per_day"], json!({"limit": number, "used": number}));
            assert_eq!(mine["plans_per_day"], json!({"limit": 10 + number, "used": 0}));
            assert_eq!(mine["generated_characters_per_day"]["limit"], 10_000 + number);
        }
    }

    async fn what_is_used_up_comes_back_at_midnight_and_is_said_before(app with ["--free-messages-per-day=5"]) {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        let path = format!("/conversations/{conversation}/messages");
        for left in [4, 3, 2] {
            let accepted = ana.post(&path, json!({"text": "Hello there."})).await;
            let headers = [accepted.header("ratelimit-policy").unwrap(), accepted.header("ratelimit").unwrap()];
            assert!(headers[0].starts_with("\"messages_per_day\";q=5;w=86400, "), "{headers:?}");
            assert!(headers[1].starts_with(&format!("\"messages_per_day\";r={left};t=")), "{headers:?}");
        }
        let mut socket = ana.live().await;
        let say = |name: &str| json!({"type": "chat_message", "conversation_id": conversation, "text": "Hello.", "client_msg_id": name});
        let fourth = socket.ack(say("m4")).await;
        let warning = &fourth["quota_warning"];
        assert_eq!((&warning["quota"], &warning["limit"], &warning["remaining"]), (&json!("messages_per_day"), &json!(5), &json!(1)));
        assert_eq!(socket.ack(say("m4")).await["quota_warning"], Value::Null, "a repetition is not counted");
        assert_eq!(socket.ack(say("m5")).await["quota_warning"]["remaining"], 0);
        let refused = socket.request(say("m6")).await;
        assert_eq!(refused["code"], "quota_exceeded");
        let wait = refused["retry_after"].as_u64().unwrap();
        assert!(wait <= 86_400 && refused["message"].as_str().unwrap().contains("5 messages"), "{refused}");
        let problem = ana.post(&path, json!({"text": "More."})).await;
        assert_eq!(problem.refused(429)["code"], "quota_exceeded");
        assert!(problem.header("retry-after").unwrap().parse::<u64>().unwrap() <= 86_400);
        let stored = ana.get(&path).await.ok();
        let own = stored["items"].as_array().unwrap().iter().filter(|message| message["author"] == "user").count();
        assert_eq!(own, 5, "what is refused is not stored");
        let metrics = app.anyone().get("/metrics").await.text;
        let line = "souk_plan_limits_total{limit=\"messages_per_day\",plan=\"free\"} 2";
        assert!(metrics.contains(line), "{line} in {metrics}");

        app.clock.advance(until_tomorrow(app));
        let ana = app.log_in("ana").await;
        assert_eq!(ana.get("/me/limits").await.ok()["messages_per_day"]["used"], 0);
        assert_eq!(ana.post(&path, json!({"text": "A new day."})).await.status, 202);
    }

    async fn what_has_been_generated_is_counted_when_it_is_stored(app with ["--free-generated-characters-per-day=100"]) {
        let ana = app.consumer("ana").await;
        let conversation = conversation(&ana).await;
        say(&ana, &conversation, "Hello there. How are you today?").await;
        let path = format!("/conversations/{conversation}/messages");
        let answer = ana.get(&path).await.ok()["items"][0]["text"].as_str().unwrap().chars().count();
        let used = ana.get("/me/limits").await.ok()["generated_characters_per_day"]["used"].clone();
        assert_eq!(used, answer);
        assert!(answer >= 100, "the premise");
        let refused = ana.post(&path, json!({"text": "And now?"})).await.refused(429);
        assert!(refused["detail"].as_str().unwrap().contains("generated characters"), "{refused}");
        let refused = ana.post(&format!("/conversations/{conversation}/answer"), Value::Null).await;
        assert_eq!(refused.refused(429)["code"], "quota_exceeded");
        app.clock.advance(until_tomorrow(app));
        let ana = app.log_in("ana").await;
        say(&ana, &conversation, "And now?").await;
    }
}
