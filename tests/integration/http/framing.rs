//! How responses delimit their bodies.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::both_engines;
use crate::support::TestApp;

struct Framed {
    status: u16,
    head: String,
    /// Delimited as its head says, and inflated if encoded.
    body: Vec<u8>,
}

/// Sends a request and parses the response strictly by its head.
async fn ask(app: &TestApp, request: &str) -> Framed {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let value = |name: &str| {
        let mut values = head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let value = values.next();
        assert_eq!(values.next(), None, "one {name}: {head}");
        value
    };
    let mut body = Vec::new();
    match (value("transfer-encoding"), value("content-length")) {
        (Some(encoding), None) => {
            assert_eq!(encoding, "chunked");
            assert!(head.starts_with("http/1.1"), "HTTP/1.0 knows no chunks: {head}");
            loop {
                let mut size = Vec::new();
                while !size.ends_with(b"\r\n") {
                    size.push(stream.read_u8().await.unwrap());
                }
                let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim(), 16);
                let mut chunk = vec![0; size.expect("the size of a chunk") + 2];
                stream.read_exact(&mut chunk).await.unwrap();
                assert!(chunk.ends_with(b"\r\n"));
                body.extend(&chunk[..chunk.len() - 2]);
                if chunk.len() == 2 {
                    break;
                }
            }
        }
        (None, Some(length)) => {
            body.resize(length.parse().unwrap(), 0);
            stream.read_exact(&mut body).await.unwrap();
        }
        (None, None) => {
            assert!(head.starts_with("http/1.0") || value("connection").unwrap().contains("close"), "{head}");
            stream.read_to_end(&mut body).await.unwrap();
        }
        both => panic!("{both:?} in {head}"),
    }
    if value("content-encoding") == Some("gzip") {
        let mut inflated = Vec::new();
        MultiGzDecoder::new(&body[..]).read_to_end(&mut inflated).unwrap();
        body = inflated;
    }
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Framed { status, head, body }
}

const UPGRADES: [&str; 4] = [
    "",
    "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    "Upgrade: websocket\r\n",
    "Connection: Upgrade\r\nUpgrade: h2c\r\n",
];

both_engines! {
    async fn an_answer_ends_where_it_says_whatever_was_asked_for_with_it(app) {
        let long = format!("/{}", "very/".repeat(400));
        let cases = [
            ("GET", "/openapi.json", 200),
            ("GET", "/healthz", 200),
            ("GET", long.as_str(), 404),
            ("GET", "/auth/me", 401),
            ("GET", "/ws", 426),
            ("POST", "/ws", 404),
            ("GET", "/socket.io/?EIO=4&transport=nonsense", 400),
            ("POST", "/auth/token", 400),
            ("CONNECT", "/openapi.json", 404),
        ];
        for (method, path, status) in cases {
            for version in ["1.1", "1.0"] {
                for encoding in ["", "Accept-Encoding: gzip\r\n"] {
                    for upgrade in UPGRADES {
                        let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
                        let request =
                            format!("{method} {path} HTTP/{version}\r\nHost: souk\r\n{length}{encoding}{upgrade}\r\n");
                        let answer = ask(app, &request).await;
                        if path == "/ws" && method == "GET" && !upgrade.is_empty() {
                            assert!(matches!(answer.status, 400 | 426), "{request}{}", answer.head);
                        } else if method != "CONNECT" && method != "POST" {
                            assert_eq!(answer.status, status, "{request}{}", answer.head);
                        } else {
                            assert!((400..500).contains(&answer.status), "{request}{}", answer.head);
                        }
                        serde_json::from_slice::<Value>(&answer.body)
                            .unwrap_or_else(|error| panic!("{error}: {request}{}", answer.head));
                    }
                }
            }
        }
    }

    async fn what_is_worth_it_is_compressed_and_a_short_answer_is_not(app) {
        for (path, status, is_compressed) in
            [("/openapi.json", 200, true), ("/healthz", 200, false), ("/auth/me", 401, false), ("/none", 404, false)]
        {
            let request = format!("GET {path} HTTP/1.1\r\nHost: souk\r\nAccept-Encoding: gzip\r\n\r\n");
            let answer = ask(app, &request).await;
            assert_eq!(answer.status, status, "{}", answer.head);
            assert_eq!(answer.head.contains("content-encoding: gzip"), is_compressed, "{}", answer.head);
            assert_eq!(answer.head.contains("content-encoding"), is_compressed, "{}", answer.head);
            assert!(answer.head.contains("vary: accept-encoding"), "{}", answer.head);
            serde_json::from_slice::<Value>(&answer.body).unwrap();
        }
    }

    async fn who_accepts_nothing_is_answered_plainly(app) {
        for accepted in ["identity;q=0", "*;q=0", "br", "br, identity;q=0", "what", ";;,q=x"] {
            let request = format!("GET /openapi.json HTTP/1.1\r\nHost: souk\r\nAccept-Encoding: {accepted}\r\n\r\n");
            let answer = ask(app, &request).await;
            assert_eq!(answer.status, 200, "{accepted}: {}", answer.head);
            assert!(!answer.head.contains("content-encoding"), "{}", answer.head);
            serde_json::from_slice::<Value>(&answer.body).unwrap();
        }
    }

    async fn a_head_that_cannot_be_read_is_refused_with_a_problem(app) {
        let long = format!("GET / HTTP/1.1\r\nHost: souk\r\nX-Long: {}\r\n\r\n", "x".repeat(200_000));
        for (request, status, code) in [
            ("GET / HTTP/1.1\r\nHost: souk\r\nno header\r\n\r\n", 400, "bad_request"),
            ("GET / HTTP/1.1\r\nHost: souk\r\nContent-Length: x\r\n\r\n", 400, "bad_request"),
            ("what is this\r\n\r\n", 400, "bad_request"),
            (&long, 431, "headers_too_large"),
        ] {
            let answer = ask(app, request).await;
            assert_eq!(answer.status, status, "{}", answer.head);
            assert!(answer.head.contains("content-type: application/problem+json\r\n"), "{}", answer.head);
            let problem: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(problem["type"], format!("urn:souk:problem:{code}"));
            assert_eq!(problem["status"], status);
            assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        }
    }

    async fn a_refusal_with_an_upgrade_is_framed_too(app with ["--anonymous-requests", "1"]) {
        app.anyone().get("/auth/me").await.refused(401);
        for upgrade in UPGRADES {
            let request = format!("GET /auth/me HTTP/1.1\r\nHost: souk\r\nAccept-Encoding: gzip\r\n{upgrade}\r\n");
            let answer = ask(app, &request).await;
            assert_eq!(answer.status, 429, "{}", answer.head);
            assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap()["code"], "limited");
        }
    }

    async fn only_handshakes_escape_the_rate_of_strangers(app with ["--anonymous-requests", "1"]) {
        app.anyone().get("/auth/me").await.refused(401);
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
        for path in ["/nothing/ws", "/wsx", "/socket.iox", "/a/socket.io/", "/auth/me"] {
            let answer = ask(app, &format!("GET {path} HTTP/1.1\r\nHost: souk\r\n{upgrade}\r\n")).await;
            assert_eq!(answer.status, 429, "{path}");
        }
        for path in ["/ws", "/api/v1/ws"] {
            let answer = ask(app, &format!("GET {path} HTTP/1.1\r\nHost: souk\r\nUpgrade: x\r\n\r\n")).await;
            assert_eq!(answer.status, 429, "{path}");
        }
    }

    async fn a_handshake_needs_http_1_1_and_no_body(app) {
        let shown = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let paths = [
            "/ws",
            "/api/v1/ws",
            "/ws/simulate",
            "/ws/reflections/1",
            "/ws/kanban/projects/1",
            "/socket.io/?EIO=4&transport=websocket",
        ];
        for path in paths {
            let answer = ask(app, &format!("GET {path} HTTP/1.0\r\nHost: souk\r\n{shown}\r\n")).await;
            assert_eq!(answer.status, 426, "{path}");
            assert!(answer.head.contains("\r\nupgrade: websocket\r\n"), "{}", answer.head);
            assert!(answer.head.contains("application/problem+json"), "{}", answer.head);
            for body in ["Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Content-Length: 2\r\n\r\n{}"] {
                let answer = ask(app, &format!("GET {path} HTTP/1.1\r\nHost: souk\r\n{shown}{body}")).await;
                assert_eq!(answer.status, 400, "{path} {body}");
            }
        }
    }

    async fn a_body_with_an_upgrade_that_is_not_for_it_is_read(app) {
        let form = r#"{"email": "nobody@example.com", "password": "a-long-password"}"#;
        for upgrade in UPGRADES {
            let request = format!(
                "POST /auth/token HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n{upgrade}\
                 Content-Length: {}\r\n\r\n{form}",
                form.len()
            );
            let answer = ask(app, &request).await;
            assert_eq!(answer.status, 401, "{request}{}", answer.head);
        }
    }
}
