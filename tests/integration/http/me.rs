//! What concerns the caller alone.

use serde_json::json;

use crate::both_engines;

both_engines! {
    async fn my_limits_are_those_of_my_plan_and_say_what_i_use(app with ["--free-requests=100", "--simulation-threads=0"]) {
        let (ana, eve) = (app.consumer("ana").await, app.consumer("eve").await);
        let before = ana.get("/me/limits").await.ok();
        assert_eq!(before["plan"], "free");
        assert_eq!(before["connections"], json!({"limit": 20, "used": 0}));
        assert_eq!(before["simulations"], json!({"limit": 1, "used": 0}));
        assert_eq!((&before["messages_per_second"], &before["rooms_per_connection"]), (&json!(50), &json!(100)));
        assert_eq!(before["requests_per_minute"]["limit"], 100);

        let socket = ana.live().await;
        let simulation = json!({
            "category": "plumbing", "base_price": {"amount": 100, "currency": "EUR"}, "steps": 10,
        });
        ana.post("/simulations", simulation).await.refused(201);
        let answer = ana.get("/me/limits").await;
        let after = answer.ok();
        assert_eq!(after["connections"]["used"], 1);
        assert_eq!(after["simulations"]["used"], 1);
        let used = |limits: &serde_json::Value| limits["requests_per_minute"]["used"].as_u64().unwrap();
        assert!(used(&after) > used(&before), "{before} {after}");
        let remaining: u64 = answer.header("ratelimit-remaining").unwrap().parse().unwrap();
        assert_eq!(used(&after), 100 - remaining, "as the headers of the same answer say");
        assert_eq!(eve.get("/me/limits").await.ok()["connections"]["used"], 0, "nobody else's count");
        drop(socket);
        app.anyone().get("/me/limits").await.refused(401);
    }
}
