//! Clients that keep the server waiting: for the rest of a head or body, for the next request, for reading
//! the response.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use super::Target;
use super::target::crowd;
use crate::support::{Client, Engine, Person, Process, eventually};

const FLAGS: [&str; 6] = [
    "--handshake-timeout=1s",
    "--body-timeout=2s",
    "--keep-alive=1s",
    "--write-timeout=1s",
    "--tcp-user-timeout=10m",
    "--body-max=64KiB",
];

/// Longer than any of the configured timeouts and the response to it; shorter than the defaults.
const LONGEST: Duration = Duration::from_secs(15);

/// Sends `sent`, then `bit` repeatedly if it is not empty; returns the response once the server has closed
/// the connection.
async fn ends(target: &Target, sent: &str, bit: &[u8]) -> String {
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let (mut from, mut to) = stream.split();
    let trickle = async {
        while !bit.is_empty() && to.write_all(bit).await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let reading = async {
        // A connection reset is an end as well.
        let _ = from.read_to_end(&mut answer).await;
    };
    let ended = timeout(LONGEST, async {
        tokio::select! { () = reading => {}, () = trickle => {} }
    })
    .await;
    ended.unwrap_or_else(|_| panic!("still open after {sent:?} and {bit:?}"));
    String::from_utf8_lossy(&answer).into_owned()
}

const UPGRADES: [&str; 4] = [
    "",
    "Upgrade: x\r\n",
    "Connection: Upgrade\r\nUpgrade: h2c\r\n",
    "Connection: Upgrade\r\nUpgrade: websocket\r\n",
];

/// An incomplete request, the bytes that may trickle on, and the status of the response.
type Unfinished = (String, &'static str, &'static str);

fn unfinished() -> Vec<Unfinished> {
    let routes = [
        ("GET /healthz", "200"),
        ("GET /no/such/address", "404"),
        ("POST /requests", "401"),
        ("POST /auth/token", "408"),
        ("POST /auth/revoke", "408"),
        ("POST /socket.io/?EIO=4&transport=polling", "400"),
        ("PUT /healthz", "405"),
    ];
    let mut all = Vec::new();
    for (route, status) in routes {
        for upgrade in UPGRADES {
            let head =
                format!("{route} HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n{upgrade}");
            let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
            all.push((format!("{chunked}1\r\n"), " \r\n1\r\n", status));
            all.push((format!("{chunked}1\r\n{{\r\n"), "1\r\n \r\n", status));
            all.push((format!("{chunked}FFFF\r\n"), " ", status));
            all.push((format!("{head}Content-Length: 900\r\n\r\n{{"), " ", status));
        }
    }
    for length in ["Transfer-Encoding: chunked\r\n\r\n20000\r\n", "Content-Length: 131072\r\n\r\n"] {
        let head = "POST /auth/token HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n";
        all.push((format!("{head}{length}{}", " ".repeat(0x11000)), " ", "413"));
    }
    all
}

#[actix_web::test]
async fn a_body_that_does_not_end_ends_its_connection() {
    let target = Target::start(&FLAGS).await;
    let cases = unfinished()
        .into_iter()
        .flat_map(|(sent, bit, status)| [(sent.clone(), "", status), (sent, bit, status)]);
    let ended = stream::iter(cases).map(async |(sent, bit, status)| {
        let answer = ends(&target, &sent, bit.as_bytes()).await;
        let is_right = answer.starts_with(&format!("HTTP/1.1 {status} "));
        (!is_right).then(|| format!("{} and {bit:?}: {answer}", sent.trim_end()))
    });
    let wrong: Vec<_> = ended.buffer_unordered(100).filter_map(async |wrong| wrong).collect().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    target.assert_recovers().await;
}

#[actix_web::test]
async fn a_head_that_does_not_end_ends_its_connection() {
    let target = Target::start(&FLAGS).await;
    let whole = "GET /healthz HTTP/1.1\r\nHost: souk\r\n\r\n";
    let after = |rest: &str| format!("{}{rest}", whole.repeat(3));
    let refused = "GET /ws HTTP/1.1\r\nHost: souk\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let cases = [
        (String::new(), ""),
        (String::new(), "G"),
        (whole.to_owned(), ""),
        (whole.to_owned(), "\r\n"),
        (after(""), ""),
        (after(""), "G"),
        (after("GET /healthz HTTP/1.1\r\nHo"), ""),
        (after("GET /healthz HTTP/1.1\r\nHo"), "o"),
        (refused.to_owned(), ""),
        (refused.to_owned(), whole),
        (after("GET /healthz HTTP/1.1\r\nHost: souk\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n"), ""),
    ];
    let ended = stream::iter(&cases).map(async |(sent, bit)| {
        let answer = ends(&target, sent, bit.as_bytes()).await;
        assert!(sent.is_empty() || answer.starts_with("HTTP/1.1 "), "{sent:?} {answer}");
    });
    ended.buffer_unordered(cases.len()).collect::<Vec<_>>().await;
    target.assert_recovers().await;
}

#[actix_web::test]
async fn a_late_head_of_the_same_connection_is_still_served() {
    let target = Target::start(&["--handshake-timeout=30s", "--keep-alive=30s", "--body-timeout=1s"]).await;
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    for _ in 0..3 {
        // Longer than the body timeout: the time of one request must not count for the next.
        let began = Instant::now();
        for part in ["GET /heal", "thz HTTP/1.1\r\nHost: souk\r\n", "\r\n"] {
            stream.write_all(part.as_bytes()).await.unwrap();
            sleep(Duration::from_millis(500)).await;
        }
        assert!(began.elapsed() > Duration::from_secs(1));
        let mut answer = vec![0; 15];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 200 OK");
        let mut rest = Vec::new();
        while !rest.ends_with(b"}") {
            rest.push(stream.read_u8().await.unwrap());
        }
    }
    drop(stream);
    target.assert_recovers().await;
}

#[actix_web::test]
async fn who_does_not_read_an_answer_is_cut_off() {
    let target = Target::start(&FLAGS).await;
    let mut stalled = Vec::new();
    for number in 0..20 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 * 1024).unwrap();
        let mut stream = socket.connect(target.address()).await.unwrap();
        let upgrade = UPGRADES[number % UPGRADES.len()];
        let asked = format!("GET /openapi.json HTTP/1.1\r\nHost: souk\r\n{upgrade}\r\n").repeat(8);
        stream.write_all(asked.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    target.assert_recovers().await;
    drop(stalled);
}

#[actix_web::test]
async fn bounds_of_requests_do_not_touch_live_sessions() {
    let flags = ["--handshake-timeout=1s", "--body-timeout=1s", "--keep-alive=1s", "--write-timeout=1s"];
    let target = Target::start(&flags).await;
    let ana = target.consumer("ana").await;
    let mut socket = ana.live().await;
    sleep(Duration::from_secs(3)).await;
    socket.send(serde_json::json!({"type": "ping", "id": 7})).await;
    assert_eq!(socket.recv("pong").await["id"], 7);
    socket.close().await;
    target.assert_recovers().await;
}

/// So many connections that each have a request with an unfinished body.
async fn hold(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let sent = b"GET /healthz HTTP/1.1\r\nHost: souk\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n";
    let mut held = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        held.push(stream);
    }
    held
}

#[actix_web::test]
async fn the_address_of_the_metrics_is_under_the_same_bounds() {
    let database = Engine::Sqlite.database().unwrap();
    let flags = [&FLAGS[..], &["--metrics-bind=127.0.0.1:0"]].concat();
    let process = Process::start("127.0.0.1:0", &database.url(), &flags);
    let address = process
        .first_lines
        .iter()
        .find_map(|line| serde_json::from_str::<Value>(line).ok()?["metrics_address"].as_str()?.parse().ok());
    let held = hold(address.unwrap(), 100).await;
    assert_eq!(Client::new(address.unwrap(), None).get("/metrics").await.status, 200);
    drop(held);
    assert!(process.terminate().success());
}

#[actix_web::test]
async fn who_holds_more_connections_than_may_be_open_shuts_nobody_out() {
    let database = Engine::Sqlite.database().unwrap();
    let process = Process::start_with_files(300, "127.0.0.1:0", &database.url(), &FLAGS);
    let held = hold(process.address, 400).await;
    process.client(None).get("/healthz").await.ok();
    // Others are refused until whoever holds them has lost them by the timeout of a body.
    eventually(async || process.client(None).get("/auth/me").await.status == 401).await;
    Person::register(&process.client(None), "ana", "consumer").await;
    drop(held);
    assert!(process.terminate().success());
}

#[actix_web::test]
async fn a_connection_costs_one_descriptor() {
    let target = Target::start(&[]).await;
    let ana = target.consumer("ana").await;
    // The pool of database connections is as large as such a crowd makes it.
    let first = crowd(50, |_| ana.live()).await;
    let before = target.descriptors();
    let sessions = crowd(50, |_| ana.live()).await;
    let open = target.descriptors() - before;
    assert!((50..60).contains(&open), "{open} for {}", sessions.len());
    drop((first, sessions));
    target.assert_recovers().await;
}
