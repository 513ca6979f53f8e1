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
    let mut output = String::new();
    stream.read_to_string(&mut output).await.unwrap();
    output
}

both_engines! {
    async fn a_body_that_does_not_arrive_in_time_is_given_up(app with ["--body-timeout", "100ms"]) {
        let head = "POST /auth/token HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n\
                    Content-Length: 100\r\n\r\n{\"email\":";
        let output = stall(app, head).await;
        assert!(output.starts_with("HTTP/1.1 408 "), "{output}");
        assert!(output.contains("application/problem+json"), "{output}");
    }

    async fn a_head_that_does_not_arrive_in_time_is_given_up(app with ["--handshake-timeout", "1s"]) {
        let output = stall(app, "GET /healthz HTTP/1.1\r\nHost: so").await;
        assert!(output.starts_with("HTTP/1.1 408 "), "{output}");
    }

    async fn a_body_that_is_too_large_is_refused(app with ["--body-max", "1KiB"]) {
        let form = json!({"email": "ana@example.com", "password": "x".repeat(2000)});
        let problem = app.anyone().post("/auth/token", form).await.refused(413);
        assert_eq!(problem["code"], "too_large");
        app.anyone().get("/healthz").await.ok();
    }
}
