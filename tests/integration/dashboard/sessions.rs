//! What admins see of one connection: its frames while they watch, and why it ended.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Person, Socket, TestApp, eventually, id};

/// A live connection of this user, and its id.
async fn connect(app: &TestApp, who: &Person) -> (Socket, String) {
    let mut socket = Socket::connect(app.address, &who.live_path()).await;
    let greeting = socket.recv("connection_established").await;
    (socket, greeting["session_id"].as_str().unwrap().to_owned())
}

/// The next frame of this kind and direction that a watching admin is told of.
async fn next_frame(watching: &mut Socket, direction: &str, kind: &str) -> Value {
    loop {
        let told = watching.recv("frames").await;
        assert_eq!((told["is_live"].clone(), told["dropped"].clone()), (json!(true), json!(0)), "{told}");
        let frames = told["frames"].as_array().unwrap();
        let is_it = |frame: &&Value| frame["direction"] == direction && frame["kind"] == kind;
        if let Some(found) = frames.iter().find(is_it) {
            return found.clone();
        }
    }
}

/// The ended connections that this query finds.
async fn ended(root: &Person, query: &str) -> Vec<Value> {
    root.get(&format!("/admin/sessions/ended?{query}")).await.ok()["items"].as_array().unwrap().clone()
}

both_engines! {
    async fn an_admin_watches_the_frames_of_a_connection_and_never_what_is_in_them(app) {
        let root = app.db_admin("root").await;
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let request = app.request(&ana).await;
        app.offer(&ben, &request).await;
        let session = ana.get("/sessions?limit=1").await.ok()["items"][0].clone();
        let chat = format!("session:{}", id(&session));
        let (mut socket, connection) = connect(app, &ana).await;
        let recorder = format!("recorder:{connection}");

        let (mut stranger, _) = connect(app, &ben).await;
        let refused = stranger.request(json!({"type": "join", "room": recorder})).await;
        assert_eq!(refused["code"], "forbidden");

        let (mut watching, _) = connect(app, &root).await;
        assert_eq!(watching.ack(json!({"type": "join", "room": recorder})).await["head"], 0);
        watching.recv("frames").await;
        socket.ack(json!({"type": "join", "room": chat})).await;
        let asked = next_frame(&mut watching, "in", "join").await;
        assert_eq!((asked["room"].clone(), asked["number"].clone()), (json!(chat), json!(1)));
        let text = "a secret between two";
        socket.ack(json!({"type": "chat_message", "room": chat, "text": text, "client_msg_id": "m1"})).await;
        socket.event("message.sent").await;
        let event = next_frame(&mut watching, "out", "event").await;
        assert_eq!(event["room"], chat);
        assert!(event["seq"].as_u64().unwrap() > 0 && event["bytes"].as_u64().unwrap() > text.len() as u64);
        socket.request(json!({"type": "whoami"})).await;
        let mut answer = next_frame(&mut watching, "out", "ack").await;
        while answer["latency_us"].is_null() {
            answer = next_frame(&mut watching, "out", "ack").await;
        }
        assert!(!format!("{:?}", watching.left()).contains("secret"), "{:?}", watching.left());

        let journal = ana.post("/entries", json!({"text": "Slept badly."})).await.ok();
        socket.ack(json!({"type": "join", "room": format!("entry:{}", id(&journal))})).await;
        while next_frame(&mut watching, "in", "join").await["room"] != "entry" {}

        let audit = root.get(&format!("/admin/audit?kind=room&row={recorder}&outcome=admin")).await.ok();
        assert_eq!(audit["items"].as_array().unwrap().len(), 1, "once, not at each look");
        drop(socket);
        let mut told = watching.recv("frames").await;
        while told["is_live"] == true {
            told = watching.recv("frames").await;
        }
        watching.ack(json!({"type": "leave", "room": recorder})).await;
    }

    async fn why_a_connection_ended_is_kept(app) {
        let (root, ana, ben) =
            (app.db_admin("root").await, app.consumer("ana").await, app.provider("ben").await);
        let (socket, by_itself) = connect(app, &ana).await;
        socket.close().await;
        let (mut socket, closed) = connect(app, &ben).await;
        socket.ack(json!({"type": "join", "room": "market:plumbing"})).await;
        app.request(&ana).await;
        socket.event("request.published").await;
        let live = root.get(&format!("/admin/sessions/{closed}")).await.ok();
        assert_eq!(
            (live["user_email"].clone(), live["endpoint"].clone()),
            (json!("ben@example.com"), json!("ws"))
        );
        root.delete(&format!("/admin/sessions/{closed}")).await.ok();
        socket.closed().await;
        eventually(async || ended(&root, "").await.len() == 2).await;

        let all = ended(&root, "").await;
        assert_eq!(all[0]["id"], closed.as_str(), "the last one first");
        assert_eq!(
            (all[0]["reason"].clone(), all[0]["user_email"].clone()),
            (json!("closed_by_admin"), json!("ben@example.com"))
        );
        assert_eq!((all[0]["endpoint"].clone(), all[0]["dialect"].clone()), (json!("ws"), json!("json")));
        assert_eq!((all[0]["address"].clone(), all[0]["messages"].clone()), (json!("127.0.0.1"), json!(1)));
        assert_eq!(all[0]["rooms"], 2);
        let market =
            all[0]["positions"].as_array().unwrap().iter().find(|one| one["room"] == "market:plumbing");
        assert_eq!(market.unwrap()["seq"], 1);
        let first = root.get("/admin/sessions/ended?limit=1").await.ok();
        let next = format!("/admin/sessions/ended?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
        assert_eq!(root.get(&next).await.ok()["items"][0]["id"], by_itself.as_str());
        assert_eq!(ended(&root, "reason=client").await.len(), 1);
        assert_eq!(ended(&root, &format!("user_id={}", ben.id)).await.len(), 1);
        assert_eq!(ended(&root, &format!("connection_id={by_itself}")).await[0]["user_id"], ana.id.as_str());
        assert_eq!(ended(&root, "reason=silent").await.len(), 0);
        root.get("/admin/sessions/ended?reason=boredom").await.refused(422);
        ana.get("/admin/sessions/ended").await.refused(403);
        root.get(&format!("/admin/sessions/{closed}")).await.refused(404);
        assert!(
            !root.get("/admin/audit?kind=connection&action=list+ended").await.ok()["items"]
                .as_array()
                .unwrap()
                .is_empty()
        );
    }
}
