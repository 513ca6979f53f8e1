//! What is counted against which rate, and in which order a call is checked: the address's rate, the token,
//! the caller's rate, the path, the body.

use reqwest::Method;
use serde_json::json;

use crate::both_engines;
use crate::support::{Call, Client, Raw, Socket, SocketIo, TestApp};

/// Calls until the address's rate is exhausted; none of the calls before that may be limited.
async fn exhaust(client: &Client, requests: u32, call: impl Fn(&Client) -> Call) {
    for n in 0..requests {
        let answer = call(client).await;
        assert_ne!(answer.status, 429, "call {n}: {answer}");
        assert_eq!(answer.header("ratelimit-limit"), Some(requests.to_string().as_str()), "{answer}");
    }
    let answer = call(client).await;
    answer.refused(429);
    assert!(answer.header("retry-after").is_some(), "{answer}");
}

/// Adds the headers of a WebSocket handshake, without its key.
fn upgrading(call: Call) -> Call {
    call.header("Upgrade", "websocket").header("Connection", "Upgrade")
}

type Make = fn(&Client) -> Call;

both_engines! {
    async fn a_forged_token_lifts_no_limit(app with ["--anonymous-requests=3"]) {
        let calls: [Make; 8] = [
            |c| c.post("/auth/refresh", json!({"refresh_token": "x"})),
            |c| c.post("/auth/revoke", json!({"token": "x"})),
            |c| c.get("/openapi.json"),
            |c| c.get("/docs/"),
            |c| c.get("/nowhere"),
            |c| c.get("/bookings"),
            |c| c.get("/bookings/xyz"),
            |c| c.get("/api/v1/bookings/xyz"),
        ];
        for (n, call) in calls.iter().enumerate() {
            let forger = app.with_token("a.b.c").at(&format!("127.0.0.{}", n + 10));
            exhaust(&forger, 3, call).await;
            let other_scheme = app.anyone().at(&format!("127.0.0.{}", n + 30));
            exhaust(&other_scheme, 3, |client| call(client).header("Authorization", "Basic YTpi")).await;
        }
    }

    async fn nor_does_an_upgrade_that_opens_nothing(app with ["--anonymous-requests=3"]) {
        for (n, path) in [
            "/auth/me", "/bookings", "/nowhere/ws", "/ws/nowhere", "/socket.io/nowhere", "/x/socket.io/", "/ws",
            "/ws/simulate", "/api/v1/ws", "/socket.io/", "/socket.io/?EIO=4&transport=polling&sid=none",
        ].iter().enumerate() {
            let stranger = app.anyone().at(&format!("127.0.0.{}", n + 10));
            exhaust_unnamed(&stranger, path).await;
        }
    }

    async fn who_opens_sessions_is_under_other_limits(app with ["--anonymous-requests=2"]) {
        let ana = app.consumer("ana").await;
        for _ in 0..5 {
            ana.live().await.close().await;
            SocketIo::connect(app.address, ana.token().unwrap()).await;
        }
        let open = "/socket.io/?EIO=4&transport=polling";
        for _ in 0..5 {
            assert_eq!(app.anyone().get(open).await.status, 200);
        }
        app.anyone().get("/nowhere").await.refused(404);
        app.anyone().get("/nowhere").await.refused(429);
        assert_eq!(app.anyone().get(open).await.status, 200);
    }

    async fn nor_does_a_handshake_without_a_good_token(
        app with ["--anonymous-requests=3", "--trusted-proxies=127.0.0.1"]
    ) {
        let ana = app.consumer("ana").await;
        for (n, path) in ["/ws", "/ws?token=a.b.c", "/ws?ticket=none", "/api/v1/ws/simulate", "/ws/reflections/x"]
            .iter()
            .enumerate()
        {
            let address = format!("192.0.2.{n}");
            let forwarded = format!("Sec-WebSocket-Version: 13\r\nX-Forwarded-For: {address}\r\n");
            for _ in 0..3 {
                let headers = [("x-forwarded-for", address.as_str())];
                let closed = Socket::connect_with(app.address, path, &headers).await.unwrap().closed().await;
                assert!((4001..=4002).contains(&closed.code), "upgraded, so that a browser can read why");
            }
            let (_, head) = Raw::ask(app.address, path, &forwarded).await;
            let head = head.to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 429"), "{path}: {head}");
            assert!(head.contains("\r\nretry-after: ") && head.contains("\r\nratelimit-remaining: 0\r\n"), "{head}");
            assert!(head.contains("\r\ncontent-type: application/problem+json\r\n"), "{head}");

            let (_, head) = Raw::ask(app.address, &ana.live_path(), &forwarded).await;
            assert!(head.starts_with("HTTP/1.1 101"), "a neighbour with a good token: {head}");
            app.anyone().get("/nowhere").header("X-Forwarded-For", &address).await.refused(429);
        }
    }

    async fn nor_does_a_socket_io_client_without_one(app with ["--anonymous-requests=3"]) {
        let ana = app.consumer("ana").await;
        for _ in 0..2 {
            let mut stranger = SocketIo::open(app.address, "", &[]).await;
            let refused = stranger.knock("/", json!({"token": "a.b.c"})).await.unwrap_err();
            assert_eq!(refused["data"]["code"], "invalid_token");
        }
        app.anyone().get("/nowhere").await.refused(429);
        let mut stranger = SocketIo::open(app.address, "", &[]).await;
        stranger.send(r#"40{"token":"a.b.c"}"#).await;
        assert_eq!(stranger.ended().await.1, 4008);
        SocketIo::connect(app.address, ana.token().unwrap()).await;
    }

    async fn neighbours_do_not_shut_a_caller_out(app with ["--anonymous-requests=4", "--free-requests=30"]) {
        let (ana, tokens) = signed_in(app).await;
        for _ in 0..5 {
            let mine = ana.get("/auth/me").await;
            mine.ok();
            assert_eq!(mine.header("ratelimit-limit"), Some("30"));
        }
        for _ in 0..3 {
            app.with_token("a.b.c").get("/auth/me").await.refused(401);
        }
        app.with_token("a.b.c").get("/auth/me").await.refused(429);
        app.anyone().get("/auth/me").await.refused(429);

        ana.get("/auth/me").await.ok();
        assert_eq!(ana.get("/openapi.json").await.header("ratelimit-limit"), Some("30"));
        ana.get("/nowhere").await.refused(404);
        let next = ana.post("/auth/refresh", json!({"refresh_token": tokens["refresh_token"]})).await.ok();
        let ana = app.with_token(next["access_token"].as_str().unwrap());
        // A revoked token counts against the address like any other invalid one.
        let voided = app.with_token(tokens["access_token"].as_str().unwrap());
        assert_eq!(ana.call(Method::POST, "/auth/logout").await.status, 204);
        voided.get("/auth/me").await.refused(429);
        ana.get("/auth/me").await.refused(429);
    }

    async fn a_callers_rate_comes_before_the_path(app with ["--free-requests=3"]) {
        let ana = app.consumer("ana").await;
        for _ in 0..2 {
            ana.get("/bookings/xyz").await.refused(404);
        }
        ana.get("/bookings/xyz").await.refused(429);
        let metrics = app.anyone().get("/metrics").await.text;
        assert!(metrics.contains(r#"souk_plan_limits_total{limit="requests",plan="free"} 1"#), "{metrics}");
    }

    async fn the_path_comes_before_the_body(app) {
        let ana = app.consumer("ana").await;
        for (method, path) in [
            (Method::POST, "/requests/xyz/offers"),
            (Method::PATCH, "/requests/xyz"),
            (Method::PUT, "/bookings/xyz/cancel"),
            (Method::PUT, "/projects/xyz/members/xyz"),
            (Method::POST, "/sessions/xyz/messages"),
        ] {
            let answer = ana.call(method, path).body("application/json", "{").await;
            assert_eq!(answer.status, 404, "{answer}");
        }
    }
}

async fn exhaust_unnamed(client: &Client, path: &str) {
    for n in 0..3 {
        let answer = upgrading(client.get(path)).await;
        assert!((400..500).contains(&answer.status) && answer.status != 429, "call {n}: {answer}");
    }
    upgrading(client.get(path)).await.refused(429);
}

async fn signed_in(app: &TestApp) -> (Client, serde_json::Value) {
    let form = json!({"email": "ana@example.com", "password": crate::support::PASSWORD, "role": "consumer"});
    let tokens = app.anyone().post("/auth/register", form).await.ok();
    (app.with_token(tokens["access_token"].as_str().unwrap()), tokens)
}
