//! Engine.IO itself, by hand against an echo on the transport, below Socket.IO.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::web::{self, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use souk::http::connection::{ServeOptions, serve as serve_on};
use souk::hub::{Delivery, OutboxLimits};
use souk::protocol::close::CloseReason;
use souk::protocol::engineio::PayloadLimits;
use souk::protocol::frame;
use souk::realtime::connection::Inbound;
use souk::realtime::engineio::{Connection, Engine, EngineLimits, RequestOutcome};
use souk::realtime::websocket::{ConnectionLimits, FrameLimits};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

const LIMITS: EngineLimits = EngineLimits {
    ping_interval: Duration::from_secs(25),
    ping_timeout: Duration::from_secs(20),
    max_payload: 10_000,
    payload: PayloadLimits { packets: 16, message: 5_000 },
    upgrade_timeout: Duration::from_secs(1),
    connection: ConnectionLimits {
        frames: FrameLimits { frame: 5_000, message: 5_000, fragments: 8 },
        outbox: OutboxLimits { soft: 64 * 1024, hard: 256 * 1024 },
        close_timeout: Duration::from_secs(1),
    },
};

/// Limits with a fast heartbeat.
const HASTY: EngineLimits = EngineLimits {
    ping_interval: Duration::from_millis(300),
    ping_timeout: Duration::from_millis(200),
    ..LIMITS
};

/// Echoes messages; sends a farewell and closes on "close me" or "put me out".
async fn echo(request: HttpRequest, payload: Payload, engine: Data<Engine>) -> HttpResponse {
    let opening = match engine.receive(&request, payload).await {
        RequestOutcome::Answered(answer) => return answer,
        RequestOutcome::OpenRequest(opening) => opening,
    };
    let (response, Connection { mut messages, outbox, handle }) = opening.accept();
    actix_web::rt::spawn(async move {
        while let Some(inbound) = messages.next().await {
            let frames = match inbound {
                Inbound::Text(text) if text == "close me" || text == "put me out" => {
                    let _ = outbox.push(frame::text(|to| to.extend(b"4goodbye")), Delivery::Durable);
                    let comes_back = text == "close me";
                    handle.close(if comes_back { CloseReason::Restarting } else { CloseReason::Revoked });
                    continue;
                }
                Inbound::Text(text) => frame::text(|to| to.extend(format!("4{text}").bytes())),
                Inbound::Binary(bytes) => frame::binary(&bytes),
                Inbound::Fault(reason) => {
                    handle.close(reason);
                    continue;
                }
                Inbound::Alive | Inbound::Gone => continue,
            };
            let _ = outbox.push(frames, Delivery::Durable);
        }
    });
    response
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A server with two worker threads: requests of one connection reach both.
fn serve(limits: EngineLimits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let engine = Engine::new(limits);
    let data = Data::new(engine.clone());
    let options = ServeOptions { workers: 2, ..ServeOptions::default() };
    let server = serve_on(listener, options, move || {
        App::new().app_data(data.clone()).route("/engine.io/", web::route().to(echo))
    })
    .unwrap();
    actix_web::rt::spawn(server);
    Server { address, engine }
}

struct Server {
    address: SocketAddr,
    engine: Engine,
}

impl Server {
    fn url(&self, query: &str) -> String {
        format!("http://{}/engine.io/?{query}", self.address)
    }

    /// Opens a polling connection.
    async fn poller(&self) -> Poller {
        let opened = client().get(self.url("EIO=4&transport=polling")).send().await.unwrap();
        assert_eq!(opened.status(), 200);
        let text = opened.text().await.unwrap();
        let open: Value = serde_json::from_str(text.strip_prefix('0').unwrap()).unwrap();
        assert_eq!(open["upgrades"], serde_json::json!(["websocket"]));
        assert_eq!(open["maxPayload"], 10_000);
        let sid = open["sid"].as_str().unwrap();
        Poller { url: self.url(&format!("EIO=4&transport=polling&sid={sid}")), sid: sid.to_owned() }
    }

    async fn websocket(&self, sid: &str) -> Result<Ws, tokio_tungstenite::tungstenite::Error> {
        let url = format!("ws://{}/engine.io/?EIO=4&transport=websocket{sid}", self.address);
        let tcp = TcpStream::connect(self.address).await.unwrap();
        tokio_tungstenite::client_async(url, tcp).await.map(|(stream, _)| stream)
    }

    /// A polling connection upgraded to WebSocket, with a poll that was pending meanwhile.
    async fn upgraded(&self) -> (Poller, Ws) {
        let poller = self.poller().await;
        let mut ws = self.websocket(&format!("&sid={}", poller.sid)).await.unwrap();
        let waiting = poller.waiting().await;
        ws.send(Message::text("2probe")).await.unwrap();
        assert_eq!(next(&mut ws).await, "3probe");
        assert_eq!(waiting.await.unwrap(), (200, "6".to_owned()), "the poll is sent home");
        ws.send(Message::text("5")).await.unwrap();
        (poller, ws)
    }
}

type Ws = WebSocketStream<TcpStream>;

/// The next text other than a ping; pings are answered.
async fn next(ws: &mut Ws) -> String {
    loop {
        match tokio::time::timeout(Duration::from_secs(5), ws.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) if text.as_str() == "2" => {
                ws.send(Message::text("3")).await.unwrap()
            }
            Some(Ok(Message::Text(text))) => return text.to_string(),
            Some(Ok(Message::Binary(bytes))) => return format!("{bytes:?}"),
            other => return format!("{other:?}"),
        }
    }
}

/// A new connection for every request, so that they spread over the workers.
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

struct Poller {
    url: String,
    sid: String,
}

impl Poller {
    async fn get(&self) -> (u16, String) {
        let answer = client().get(&self.url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn post(&self, body: impl Into<reqwest::Body>) -> u16 {
        client().post(&self.url).body(body).send().await.unwrap().status().as_u16()
    }

    /// The next message other than a ping; pings are answered.
    async fn receive(&self) -> String {
        loop {
            let (status, text) = self.get().await;
            assert_eq!(status, 200, "{text}");
            let packets: Vec<_> = text.split('\u{1e}').filter(|packet| *packet != "2").collect();
            if packets.len() < text.split('\u{1e}').count() {
                self.post("3").await;
            }
            if !packets.is_empty() {
                return packets.join("\u{1e}");
            }
        }
    }

    /// A poll that the server holds: sent, with time to arrive.
    async fn waiting(&self) -> tokio::task::JoinHandle<(u16, String)> {
        let poller = Self { url: self.url.clone(), sid: self.sid.clone() };
        let waiting = tokio::spawn(async move { poller.get().await });
        self.settle().await;
        waiting
    }

    /// Polls and disconnects. By hand: a library closes its connection some time later.
    async fn give_up(&self, address: SocketAddr) {
        let mut given_up = TcpStream::connect(address).await.unwrap();
        let path = self.url.split_once("/engine.io").unwrap().1;
        let request = format!("GET /engine.io{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        given_up.write_all(request.as_bytes()).await.unwrap();
        self.settle().await;
    }

    /// A round trip on another connection: what was sent before has most likely arrived.
    async fn settle(&self) {
        for _ in 0..3 {
            assert_eq!(self.post("6").await, 200);
        }
    }
}

#[actix_web::test]
async fn what_is_no_request_of_a_client_is_refused_in_its_words() {
    let server = serve(LIMITS);
    let cases = [
        ("GET", "EIO=4", 0, "Transport unknown"),
        ("GET", "EIO=4&transport=abc", 0, "Transport unknown"),
        ("GET", "transport=polling", 5, "Unsupported protocol version"),
        ("GET", "EIO=3&transport=polling", 5, "Unsupported protocol version"),
        ("GET", "EIO=abc&transport=polling", 5, "Unsupported protocol version"),
        ("GET", "EIO=4&transport=polling&sid=none", 1, "Session ID unknown"),
        ("POST", "EIO=4&transport=polling&sid=none", 1, "Session ID unknown"),
        ("POST", "EIO=4&transport=polling", 2, "Bad handshake method"),
        ("DELETE", "EIO=4&transport=polling", 2, "Bad handshake method"),
        ("GET", "EIO=4&transport=websocket", 3, "Bad request"),
    ];
    for (method, query, code, message) in cases {
        let answer = client().request(method.parse().unwrap(), server.url(query)).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{method} {query}");
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!((&body["code"], &body["message"]), (&code.into(), &message.into()), "{method} {query}");
    }
    assert!(server.websocket("&sid=none").await.is_err());
    assert_eq!(server.engine.polled(), 0);
}

#[actix_web::test]
async fn packets_go_there_and_back_in_order() {
    let server = serve(LIMITS);
    let poller = server.poller().await;
    assert_eq!(poller.post("4test1\u{1e}4€\u{1e}bAQIDBA==").await, 200);
    assert_eq!(poller.receive().await, "4test1\u{1e}4€\u{1e}bAQIDBA==");
    for n in 0..40 {
        assert_eq!(poller.post(format!("4{n}")).await, 200);
    }
    let mut received = Vec::new();
    while received.len() < 40 {
        let answer = poller.receive().await;
        let packets: Vec<_> = answer.split('\u{1e}').map(str::to_owned).collect();
        assert!(packets.len() <= 16, "python's clients take no more: {answer}");
        received.extend(packets);
    }
    assert_eq!(received, (0..40).map(|n| format!("4{n}")).collect::<Vec<_>>());
    let mut ws = server.websocket("").await.unwrap();
    assert!(next(&mut ws).await.starts_with(r#"0{"sid":""#));
    ws.send(Message::text("4hello")).await.unwrap();
    ws.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(next(&mut ws).await, "4hello");
    assert!(next(&mut ws).await.contains("\\x01\\x02\\x03"));
}

#[actix_web::test]
async fn hostile_bodies_end_at_their_caps() {
    let server = serve(LIMITS);
    let cases: [(&str, Vec<u8>, u16); 7] = [
        ("no packet", b"abc".to_vec(), 400),
        ("a ping, which only servers send", b"2".to_vec(), 400),
        ("a flood of separators", "\u{1e}".repeat(9_000).into(), 400),
        ("a flood of newlines", "\n".repeat(9_000).into(), 400),
        ("more packets than the cap", "6\u{1e}".repeat(20).into(), 400),
        ("a message above the cap", format!("4{}", "x".repeat(5_001)).into(), 400),
        ("no UTF-8", vec![b'4', 0xff], 400),
    ];
    for (what, body, status) in cases {
        let poller = server.poller().await;
        assert_eq!(poller.post(body).await, status, "{what}");
        assert_eq!(poller.get().await.0, 400, "{what} ends the connection");
    }
    let poller = server.poller().await;
    assert_eq!(poller.post("4".repeat(10_001)).await, 413, "as announced in maxPayload");
    let chunks = (0..100).map(|_| Ok::<_, std::io::Error>(vec![b'6'; 1_000]));
    let unannounced = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    assert_eq!(poller.post(unannounced).await, 413, "also where no length is announced");
    let encoded = async |encoding: &str, body: Vec<u8>| {
        let call = client().post(&poller.url).header("content-encoding", encoding).body(body);
        call.send().await.unwrap().status().as_u16()
    };
    assert_eq!(encoded("gzip", gzip("4".repeat(5_000_000).as_bytes())).await, 413, "inflated bytes count");
    assert_eq!(encoded("br", b"4x".to_vec()).await, 415);
    assert_eq!(encoded("gzip", b"4x".to_vec()).await, 400);
    assert_eq!(encoded("gzip", gzip(b"4compressed")).await, 200);
    assert_eq!(poller.receive().await, "4compressed");
    assert_eq!(poller.post("4still here").await, 200);
    assert_eq!(poller.receive().await, "4still here");
}

#[actix_web::test]
async fn two_polls_at_once_end_the_connection() {
    let poller = serve(LIMITS).poller().await;
    let first = poller.waiting().await;
    assert_eq!(poller.get().await.0, 400);
    assert_eq!(first.await.unwrap(), (200, "1".to_owned()));
    assert_eq!(poller.get().await.0, 400);
}

#[actix_web::test]
async fn a_poll_that_was_given_up_loses_nothing() {
    let server = serve(LIMITS);
    let poller = server.poller().await;
    for n in 0..20 {
        poller.give_up(server.address).await;
        assert_eq!(poller.post(format!("4kept {n}")).await, 200);
        assert_eq!(poller.receive().await, format!("4kept {n}"));
    }
}

#[actix_web::test]
async fn who_gives_a_poll_up_has_left() {
    let server = serve(LIMITS);
    let back_for_nothing = server.poller().await;
    back_for_nothing.give_up(server.address).await;
    assert_eq!(back_for_nothing.get().await.0, 400, "nothing was said to it meanwhile");
    let away = server.poller().await;
    away.give_up(server.address).await;
    assert_eq!(away.post("4for whom?").await, 200);
    while server.engine.polled() > 0 {
        tokio::task::yield_now().await;
    }
}

#[actix_web::test]
async fn who_answers_pings_stays_and_who_does_not_goes() {
    let server = serve(HASTY);
    let (lively, silent) = (server.poller().await, server.poller().await);
    let mut ws = server.websocket("").await.unwrap();
    next(&mut ws).await;
    for _ in 0..3 {
        assert_eq!(lively.get().await, (200, "2".to_owned()));
        assert_eq!(lively.post("3").await, 200);
    }
    assert_eq!(silent.get().await.0, 400, "it was told nothing, for it did not listen");
    ws.send(Message::text("4late")).await.unwrap();
    let mut closed = false;
    while let Some(Ok(message)) = ws.next().await {
        closed |= matches!(message, Message::Close(Some(frame)) if u16::from(frame.code) == 4009);
    }
    assert!(closed, "so was the one with a WebSocket, which was read but never answered");
}

#[actix_web::test]
async fn a_client_may_say_goodbye() {
    let server = serve(LIMITS);
    let poller = server.poller().await;
    let waiting = poller.waiting().await;
    assert_eq!(poller.post("1").await, 200);
    assert_eq!(waiting.await.unwrap(), (200, "6".to_owned()));
    assert_eq!(poller.get().await.0, 400);
    let mut ws = server.websocket("").await.unwrap();
    next(&mut ws).await;
    ws.send(Message::text("1")).await.unwrap();
    assert!(next(&mut ws).await.contains("Close"));
}

#[actix_web::test]
async fn what_waits_when_the_server_closes_is_still_fetched() {
    let server = serve(LIMITS);
    let poller = server.poller().await;
    assert_eq!(poller.post("4close me").await, 200);
    assert_eq!(poller.get().await, (200, "4goodbye".to_owned()));
    assert_eq!(poller.get().await.0, 400, "it is to come back, so it is told of no end");
    let poller = server.poller().await;
    assert_eq!(poller.post("4put me out").await, 200);
    assert_eq!(poller.get().await, (200, "4goodbye".to_owned()));
    assert_eq!(poller.get().await, (200, "1".to_owned()));
    assert_eq!(poller.get().await.0, 400);
    let (_, mut ws) = server.upgraded().await;
    ws.send(Message::text("4close me")).await.unwrap();
    assert_eq!(next(&mut ws).await, "4goodbye");
    let end = ws.next().await.unwrap().unwrap();
    assert!(matches!(end, Message::Close(Some(frame)) if u16::from(frame.code) == 1012));
}

#[actix_web::test]
async fn a_websocket_takes_a_polling_connection_over() {
    let server = serve(LIMITS);
    // Several, so that some WebSockets reach another thread than that of their connection.
    for _ in 0..6 {
        let (poller, mut ws) = server.upgraded().await;
        ws.send(Message::text("4hello")).await.unwrap();
        ws.send(Message::binary(vec![7])).await.unwrap();
        assert_eq!(next(&mut ws).await, "4hello");
        assert!(next(&mut ws).await.contains("\\x07"));
        assert_eq!(poller.get().await.0, 400, "it polls no more");
        let mut second = server.websocket(&format!("&sid={}", poller.sid)).await.unwrap();
        assert!(next(&mut second).await.contains("Close"), "one is enough");
        ws.send(Message::text("4still here")).await.unwrap();
        assert_eq!(next(&mut ws).await, "4still here");
    }
}

#[actix_web::test]
async fn what_waits_when_the_transport_changes_goes_by_the_new_one() {
    let server = serve(LIMITS);
    let poller = server.poller().await;
    assert_eq!(poller.post("4first\u{1e}4second").await, 200);
    let mut ws = server.websocket(&format!("&sid={}", poller.sid)).await.unwrap();
    ws.send(Message::text("2probe")).await.unwrap();
    assert_eq!(next(&mut ws).await, "3probe");
    ws.send(Message::text("5")).await.unwrap();
    assert_eq!((next(&mut ws).await, next(&mut ws).await), ("4first".to_owned(), "4second".to_owned()));
}

#[actix_web::test]
async fn a_websocket_that_fails_to_take_over_changes_nothing() {
    let server = serve(LIMITS);
    let poller = server.poller().await;
    let mut ws = server.websocket(&format!("&sid={}", poller.sid)).await.unwrap();
    ws.send(Message::text("4hello")).await.unwrap();
    assert!(next(&mut ws).await.contains("Close"), "a probe was expected");
    assert_eq!(poller.post("4hello").await, 200);
    assert_eq!(poller.receive().await, "4hello");
}

#[actix_web::test]
async fn nothing_is_left_of_connections_that_ended() {
    let server = serve(LIMITS);
    let (poller, mut ws) = server.upgraded().await;
    let other = server.poller().await;
    assert_eq!(server.engine.polled(), 2);
    other.post("1").await;
    ws.close(None).await.unwrap();
    while ws.next().await.is_some_and(|message| message.is_ok()) {}
    while poller.get().await.0 == 200 || other.get().await.0 == 200 || server.engine.polled() > 0 {
        tokio::task::yield_now().await;
    }
}
