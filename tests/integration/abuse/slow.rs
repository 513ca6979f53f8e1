//! Clients that subscribe to something and then do not read.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::target::{Target, crowd};
use crate::support::{Person, Socket, eventually, stalled, usual_request};

const MESSAGES: usize = 300;

/// Opens a chat session of these users; returns its id.
pub(super) async fn chat(consumer: &Person, provider: &Person) -> String {
    let request = consumer.post("/requests", usual_request()).await.ok();
    let day = souk::clock::Clock::system().now().plus(Duration::from_secs(24 * 3600));
    let offer = json!({
        "price": {"amount": 4900, "currency": "EUR"},
        "slot": {"start": day, "end": day.plus(Duration::from_secs(3600))},
    });
    let path = format!("/requests/{}/offers", request["id"].as_str().unwrap());
    provider.post(&path, offer).await.ok()["session_id"].as_str().unwrap().to_owned()
}

/// A Socket.IO client that polls on demand only.
pub(super) struct Poller {
    http: reqwest::Client,
    url: String,
}

impl Poller {
    /// Connects and joins the chat.
    pub(super) async fn join(address: SocketAddr, token: &str, session: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut poller = Self { http, url: format!("http://{address}/socket.io/?EIO=4&transport=polling") };
        let open = poller.poll().await.unwrap();
        let open: Value = serde_json::from_str(&open[1..]).unwrap();
        poller.url = format!("{}&sid={}", poller.url, open["sid"].as_str().unwrap());
        poller.post(format!("40{}", json!({"token": token}))).await;
        poller.post(format!("421{}", json!(["join_session", {"session_id": session}]))).await;
        let mut received = String::new();
        while !received.contains("431[") {
            received.push_str(&poller.poll().await.unwrap());
        }
        poller
    }

    /// The body of one poll; `None` if the connection or the server has ended.
    pub(super) async fn poll(&self) -> Option<String> {
        let answer = self.http.get(&self.url).send().await.ok()?;
        if answer.status() == 200 { answer.text().await.ok() } else { None }
    }

    async fn post(&self, packet: String) {
        assert_eq!(self.http.post(&self.url).body(packet).send().await.unwrap().status(), 200);
    }
}

async fn receive_all(mut socket: Socket) {
    for number in 0..MESSAGES {
        let event = socket.event("message.sent").await;
        assert_eq!(event["data"]["client_msg_id"], number.to_string());
    }
    socket.close().await;
}

#[actix_web::test]
async fn who_does_not_read_is_gone_and_all_others_hear_everything() {
    let small = [
        "--outbox-soft=32KiB",
        "--outbox-hard=128KiB",
        "--socket-send-buffer=16KiB",
        "--slow-consumer-grace=1s",
    ];
    let target = Target::start(&small).await;
    let (ana, ben) = (target.consumer("ana").await, target.provider("ben").await);
    let session = chat(&ana, &ben).await;
    let join_it = json!({"type": "join", "room": format!("session:{session}")});

    let mut listeners = crowd(98, |number| if number % 2 == 0 { ana.live() } else { ben.live() }).await;
    join_all(listeners.iter_mut().map(|socket| socket.ack(join_it.clone()))).await;
    let mut speaker = ana.live().await;
    let _deaf = stalled(target.address(), &ben.live_path(), &join_it).await;
    let _lazy = Poller::join(target.address(), ben.token().unwrap(), &session).await;
    let before = target.resident();

    let mut most = 0;
    let speak = async {
        speaker.ack(join_it.clone()).await;
        for number in 0..MESSAGES {
            let text = format!("{number} {}", "blah ".repeat(500));
            let message = json!({
                "type": "chat_message", "room": join_it["room"], "text": text, "client_msg_id": number.to_string(),
            });
            speaker.ack(message).await;
            most = most.max(target.resident());
        }
        speaker.close().await;
    };
    join(speak, join_all(listeners.into_iter().map(receive_all))).await;
    assert!(most < before + (32 << 20), "{most} bytes at most, {before} before");

    let slow = r#"souk_realtime_closes_total{reason="slow_consumer"}"#;
    eventually(async || {
        target.count(slow).await >= 2 && target.count("souk_realtime_connections").await == 0
    })
    .await;
    target.assert_recovers().await;
}
