//! Which request bodies are accepted.

use serde_json::{Value, json};

use crate::both_engines;
use crate::support::{Answer, PASSWORD, SocketIo, id};

/// Fields and messages of a 422 response.
fn errors(answer: &Answer) -> Value {
    answer.refused(422)["errors"].clone()
}

both_engines! {
    async fn a_list_is_not_taken_for_an_object(app) {
        let ana = app.consumer("ana").await;
        let whole = json!([{"field": "", "message": "must be an object"}]);
        let by_position = json!(["password", "ana@example.com", PASSWORD, null]);
        for address in ["/auth/token", "/auth/login"] {
            assert_eq!(errors(&app.anyone().post(address, by_position.clone()).await), whole, "{address}");
        }
        assert_eq!(errors(&app.anyone().post("/auth/revoke", json!(["x", null])).await), whole);
        for other in [json!("password"), json!(1), json!(true)] {
            assert_eq!(errors(&app.anyone().post("/auth/token", other).await), whole);
        }

        let request = app.request(&ana).await;
        let path = format!("/requests/{}", id(&request));
        let nothing = json!([null, null, null, null, null, null, null]);
        assert_eq!(errors(&ana.patch(&path, nothing).await), whole);
        assert_eq!(ana.get(&path).await.ok()["version"], request["version"], "nothing has changed");
    }

    async fn nor_is_a_list_within_an_object(app) {
        let (ana, ben) = (app.consumer("ana").await, app.provider("ben").await);
        let request = app.request(&ana).await;
        let path = format!("/requests/{}/offers", id(&request));
        for (field, list) in [("price", json!([9000, "EUR"])), ("slot", json!([app.hours(2), app.hours(3)]))] {
            let mut offer = app.usual_offer(100);
            offer[field] = list;
            let wrong = json!([{"field": field, "message": "must be an object"}]);
            assert_eq!(errors(&ben.post(&path, offer).await), wrong);
        }
        ben.post(&path, app.usual_offer(100)).await.ok();
    }

    async fn nor_in_a_live_session(app) {
        let ana = app.consumer("ana").await;
        let mut socket = ana.live().await;
        socket.send_text(r#"["ping", 1]"#).await;
        assert_eq!(socket.recv("error").await["code"], "malformed");

        let conversation = ana.post("/conversations", json!({})).await.ok();
        let room = format!("conversation:{}", id(&conversation));
        let mut socket = SocketIo::connect(app.address, ana.token().unwrap()).await;
        let refused = socket.emit("room:join", json!([null, null, room])).await;
        assert_eq!(refused["error"]["code"], "invalid", "{refused}");
        let joined = socket.emit("room:join", json!({"room": room})).await;
        assert_eq!(joined["ok"], true, "{joined}");
    }
}
