//! Limits on the size and slowness of requests.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::both_engines;
use crate::support::TestApp;

/// Sends `head` and stalls; returns what the server sends until it closes the connection.
async fn stall(app: &TestApp, head: &str) -> String {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    said
}

both_engines! {
    async fn a_body_that_does_not_arrive_in_time_is_given_up(app with ["--body-timeout", "100ms"]) {
        let head = "POST /auth/token HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n\
                    Content-Length: 100\r\n\r\n{\"email\":";
        let said = stall(app, head).await;
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
        assert!(said.contains("application/problem+json"), "{said}");
    }

    async fn a_head_that_does_not_arrive_in_time_is_given_up(app with ["--handshake-timeout", "1s"]) {
        let said = stall(app, "GET /healthz HTTP/1.1\r\nHost: so").await;
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    }

    async fn a_body_that_is_too_large_is_refused(app with ["--body-max", "1KiB"]) {
        let form = json!({"email": "ana@example.com", "password": "x".repeat(2000)});
        let problem = app.anyone().post("/auth/token", form).await.refused(413);
        assert_eq!(problem["code"], "too_large");
        app.anyone().get("/healthz").await.ok();
    }
}
