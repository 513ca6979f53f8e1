//! A user's logins, as the user sees them.

use std::time::Duration;

use serde_json::{Value, json};
use souk::clock::Timestamp;
use souk::server::scheduler::note_live_logins;

use crate::both_engines;
use crate::support::{PASSWORD, Person, TestApp, eventually};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn log_in(app: &TestApp, device: &str) -> Person {
    let form = json!({"email": "ana@example.com", "password": PASSWORD});
    let tokens = app.anyone().post("/auth/token", form).header("User-Agent", device).await.ok();
    app.person(tokens["access_token"].as_str().unwrap()).await
}

/// The login of a device, as listed for another one.
async fn seen(by: &Person, device: &str) -> Value {
    let logins = by.get("/auth/sessions").await.ok();
    let found = logins["items"].as_array().unwrap().iter().find(|login| login["user_agent"] == device);
    found.unwrap_or_else(|| panic!("no {device} in {logins}")).clone()
}

fn moment(login: &Value, name: &str) -> Timestamp {
    serde_json::from_value(login[name].clone()).unwrap()
}

both_engines! {
    async fn a_login_is_told_by_its_device_and_its_last_sign_of_life(app with ["--access-ttl=12h"]) {
        app.consumer("ana").await;
        let (phone, laptop) = (log_in(app, "phone").await, log_in(app, "laptop").await);
        let live = phone.live().await;
        let login = seen(&laptop, "phone").await;
        assert_eq!((&login["address"], &login["connections"]), (&json!("127.0.0.1"), &json!(1)));
        assert_eq!((&login["current"], &seen(&phone, "phone").await["current"]), (&json!(false), &json!(true)));

        app.clock.advance(HOUR);
        let now = app.clock.now();
        let a_minute = Duration::from_secs(60);
        let login = seen(&laptop, "phone").await;
        assert!(moment(&login, "last_used_at") > now.minus(a_minute), "live, and so in use: {login}");
        assert!(moment(&login, "created_at") < now.minus(HOUR));
        let own = seen(&phone, "laptop").await;
        assert!(moment(&own, "last_used_at") > now.minus(a_minute), "it asked a moment ago: {own}");

        // Live sessions update the last use, so that it is known after they have ended.
        app.clock.advance(HOUR);
        let noted_at = app.clock.now();
        note_live_logins(&app.server).await.unwrap();
        live.close().await;
        eventually(async || seen(&laptop, "phone").await["connections"] == 0).await;
        app.clock.advance(HOUR);
        let login = seen(&laptop, "phone").await;
        let last = moment(&login, "last_used_at");
        assert!(last >= noted_at && last < noted_at.plus(a_minute), "{login}");
    }

    async fn logging_out_everywhere_else_leaves_this_login(app) {
        app.consumer("ana").await;
        let (phone, laptop) = (log_in(app, "phone").await, log_in(app, "laptop").await);
        assert_eq!(laptop.delete("/auth/sessions?keep_current=true").await.status, 204);
        phone.get("/auth/me").await.refused(401);
        let left = laptop.get("/auth/sessions").await.ok();
        assert_eq!(left["items"].as_array().unwrap().len(), 1);
        assert_eq!(left["items"][0]["user_agent"], "laptop");
        laptop.delete("/auth/sessions?keep_current=perhaps").await.refused(422);
        assert_eq!(laptop.delete("/auth/sessions").await.status, 204);
        laptop.get("/auth/me").await.refused(401);
        let trail = app.db_audit("user", &laptop.id).await;
        assert_eq!(trail, ["done log out everywhere", "done log out everywhere"]);
    }
}
