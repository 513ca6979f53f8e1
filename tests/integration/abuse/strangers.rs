//! Clients that do not authenticate.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::Target;
use crate::support::{Raw, Socket};

/// Connects, sends this much and waits for the end; returns how long that took.
async fn falls_silent(target: &Target, sent: &str) -> Duration {
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    let began = Instant::now();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    let _ = ended.unwrap_or_else(|_| panic!("still there after {sent:?} and silence"));
    began.elapsed()
}

#[actix_web::test]
async fn who_begins_and_falls_silent_is_sent_away() {
    let target = Target::start(&["--handshake-timeout=2s", "--body-timeout=2s"]).await;
    let head = "GET /ws HTTP/1.1\r\nHost: souk\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    let beginnings = [
        "".to_owned(),
        "G".to_owned(),
        head.to_owned(),
        format!("{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhb"),
        "POST /auth/token HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
            .to_owned(),
        "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: souk\r\nContent-Length: 900\r\n\r\n4".to_owned(),
    ];
    let silent = stream::iter((0..60).flat_map(|_| &beginnings)).map(|sent| falls_silent(&target, sent));
    let took: Vec<_> = silent.buffer_unordered(1_000).collect().await;
    let longest = took.into_iter().max().unwrap();
    assert!(longest < Duration::from_secs(9), "the last was there for {longest:?}");
    target.assert_recovers().await;
}

#[actix_web::test]
async fn thousands_without_a_token_are_each_told_so() {
    let target = Target::start(&[]).await;
    let knocks = stream::iter(0..5_000).map(async |_| {
        let (mut raw, head) = Raw::ask(target.address(), "/ws", "Sec-WebSocket-Version: 13\r\n").await;
        if head.starts_with("HTTP/1.1 429") { 429 } else { raw.closed().await }
    });
    let mut answers = BTreeMap::new();
    let mut knocks = knocks.buffer_unordered(200);
    while let Some(code) = knocks.next().await {
        *answers.entry(code).or_insert(0) += 1;
    }
    assert_eq!(answers.keys().copied().collect::<Vec<_>>(), [429, 4001], "{answers:?}");
    assert_eq!(answers.values().sum::<usize>(), 5_000);
    drop(knocks);
    target.assert_recovers().await;
}

#[actix_web::test]
async fn pages_of_others_get_no_session() {
    let target = Target::start(&[]).await;
    let ana = target.consumer("ana").await;
    let path = ana.live_path();
    let knocks = stream::iter(0..200).map(async |_| {
        let headers = [("origin", "https://evil.example")];
        Socket::connect_with(target.address(), &path, &headers).await.unwrap().closed().await.code
    });
    let codes: Vec<_> = knocks.buffer_unordered(20).collect().await;
    assert!(codes.iter().all(|code| *code == 4003), "{codes:?}");
    target.assert_recovers().await;
}

#[actix_web::test]
async fn who_polls_and_says_nothing_is_forgotten() {
    let target = Target::start(&["--handshake-timeout=2s"]).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/socket.io/?EIO=4&transport=polling", target.address());
    let opened = stream::iter(0..500).map(async |_| http.get(&url).send().await.unwrap().status().as_u16());
    let statuses: Vec<_> = opened.buffer_unordered(20).collect().await;
    let let_in = statuses.iter().filter(|status| **status == 200).count();
    assert!((50..500).contains(&let_in), "{let_in} were let in at once, or one after the other");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
    drop(http);
    target.assert_recovers().await;
}

#[actix_web::test]
async fn who_asks_and_does_not_read_the_answers_is_cut_off() {
    let target = Target::start(&["--tcp-user-timeout=2s"]).await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 * 1024).unwrap();
        let mut stream = socket.connect(target.address()).await.unwrap();
        let asked = "GET /openapi.json HTTP/1.1\r\nHost: souk\r\n\r\n".repeat(8);
        stream.write_all(asked.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    target.assert_recovers().await;
    drop(stalled);
}
