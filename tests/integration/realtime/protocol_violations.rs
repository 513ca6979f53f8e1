//! WebSocket itself (RFC 6455), byte by byte against an echo on the transport, below the sessions.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Bytes, Payload};
use actix_web::{App, HttpRequest, HttpResponse, ResponseError};
use futures_util::StreamExt;
use souk::http::Problem;
use souk::http::connection::{ServeOptions, serve as serve_on};
use souk::hub::{Delivery, OutboxLimits};
use souk::protocol::close::{CloseReason, Endpoint};
use souk::realtime::admission::{AddressLimiter, AddressLimits};
use souk::realtime::connection::Inbound;
use souk::realtime::websocket::handshake::Handshake;
use souk::realtime::websocket::{ConnectionLimits, FrameLimits};
use tokio::sync::Notify;

use crate::support::{Raw, frame, masked};

const LIMITS: ConnectionLimits = ConnectionLimits {
    frames: FrameLimits { frame: 64 * 1024, message: 64 * 1024, fragments: 128 },
    outbox: OutboxLimits { soft: 256 * 1024, hard: 1024 * 1024 },
    close_timeout: Duration::from_secs(1),
};

/// Echoes messages; closes on "close me"; sends without end on "flood me".
async fn echo(request: HttpRequest, payload: Payload, ended: web::Data<Notify>) -> HttpResponse {
    let handshake = match Handshake::read(&request, payload, Endpoint::Ws, LIMITS) {
        Ok(handshake) => handshake,
        Err(answer) => return answer,
    };
    let (response, mut connection) = handshake.accept();
    actix_web::rt::spawn(async move {
        while let Some(inbound) = connection.reader.next().await {
            let frame = match inbound {
                Inbound::Text(text) if text == "close me" => {
                    connection.handle.close(CloseReason::Restarting);
                    continue;
                }
                Inbound::Text(text) if text == "flood me" => {
                    for _ in 0..9 {
                        let _ = connection.outbox.push(framed(2, &[0; 100_000]), Delivery::Durable);
                    }
                    connection.handle.close(CloseReason::Restarting);
                    continue;
                }
                Inbound::Text(text) => framed(1, text.as_bytes()),
                Inbound::Binary(bytes) => framed(2, &bytes),
                Inbound::Fault(reason) => {
                    connection.handle.close(reason);
                    continue;
                }
                Inbound::Alive | Inbound::Gone => continue,
            };
            let _ = connection.outbox.push(frame, Delivery::Durable);
        }
        ended.notify_one();
    });
    response
}

async fn refuse(
    request: HttpRequest,
    payload: Payload,
    addresses: web::Data<AddressLimiter>,
) -> HttpResponse {
    let handshake = match Handshake::read(&request, payload, Endpoint::Ws, LIMITS) {
        Ok(handshake) => handshake,
        Err(answer) => return answer,
    };
    match addresses.acquire(request.peer_addr().unwrap().ip()) {
        Some(pending) => handshake.refuse(CloseReason::NoToken, pending),
        None => Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many", "too many").error_response(),
    }
}

fn framed(opcode: u8, payload: &[u8]) -> Bytes {
    frame(0x80 | opcode, payload, None).into()
}

/// Starts the server on a thread with its own runtime; returns its address.
fn serve() -> SocketAddr {
    serve_and_tell(web::Data::new(Notify::new()))
}

/// The same; `ended` is notified whenever an echo's connection has ended.
fn serve_and_tell(ended: web::Data<Notify>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let addresses = AddressLimiter::new(AddressLimits { pending: 2, sessions: 10 });
    let server = serve_on(listener, ServeOptions::default(), move || {
        App::new()
            .wrap(from_fn(souk::http::problem::render))
            .app_data(web::Data::new(addresses.clone()))
            .app_data(ended.clone())
            .route("/echo", web::get().to(echo))
            .route("/refuse", web::get().to(refuse))
    })
    .unwrap();
    actix_web::rt::spawn(server);
    address
}

#[actix_web::test]
async fn messages_come_back_whole_and_pings_are_answered_with_what_they_carry() {
    let mut raw = Raw::open(serve(), "/echo").await;
    for length in [0, 1, 125, 126, 65_535, 65_536] {
        let payload = vec![b'x'; length];
        raw.send(&masked(0x81, &payload)).await;
        assert_eq!(raw.next().await, Some((0x81, payload.clone())));
        raw.send(&masked(0x82, &payload)).await;
        assert_eq!(raw.next().await, Some((0x82, payload)));
    }
    for payload in [&b""[..], b"hello", &[0xfe; 125]] {
        raw.send(&masked(0x89, payload)).await;
        assert_eq!(raw.next().await, Some((0x8a, payload.to_vec())));
    }
    let fragments = [masked(0x01, b"fr"), masked(0x89, b"now"), masked(0x00, b"ag"), masked(0x80, b"ments")];
    for byte in fragments.concat() {
        raw.send(&[byte]).await;
    }
    assert_eq!(raw.next().await, Some((0x8a, b"now".to_vec())), "between the fragments");
    assert_eq!(raw.next().await, Some((0x81, b"fragments".to_vec())));
}

#[actix_web::test]
async fn a_client_that_closes_gets_its_code_back_and_the_server_ends_the_connection_at_once() {
    let address = serve();
    for (payload, code) in [(&b""[..], 1000), (b"\x03\xe8", 1000), (b"\x0f\xa0bye", 4000)] {
        let mut raw = Raw::open(address, "/echo").await;
        let began = Instant::now();
        raw.send(&[masked(0x88, payload), masked(0x81, b"too late")].concat()).await;
        assert_eq!(raw.closed().await, code);
        assert!(began.elapsed() < Duration::from_millis(500), "without waiting for the client to end it");
    }
}

#[actix_web::test]
async fn each_breach_of_the_protocol_has_its_code() {
    let address = serve();
    let announced_8_gib = [&[0x82, 0xff][..], &(8_u64 << 30).to_be_bytes(), &[0; 4]].concat();
    let breaches = [
        (1002, "an unmasked frame", frame(0x81, b"x", None)),
        (1002, "a reserved bit", masked(0xc1, b"x")),
        (1002, "a reserved opcode", masked(0x83, b"x")),
        (1002, "a fragmented ping", masked(0x09, b"x")),
        (1002, "a long ping", masked(0x89, &[0; 126])),
        (1002, "a continuation of nothing", masked(0x80, b"x")),
        (1002, "a message within a message", [masked(0x01, b"x"), masked(0x82, b"y")].concat()),
        (1002, "a close of one byte", masked(0x88, b"\x03")),
        (1002, "a long close", masked(0x88, &[b"\x03\xe8".as_slice(), &[b'x'; 124]].concat())),
        (1007, "text that is not UTF-8", masked(0x81, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80")),
        (1007, "a close reason that is not UTF-8", masked(0x88, b"\x03\xe8\xff")),
        (1009, "a header that announces 8 GiB", announced_8_gib),
        (1009, "a message over the cap", masked(0x82, &[0; 65_537])),
        (1009, "too many fragments", [masked(0x01, b""), masked(0x00, b"").repeat(128)].concat()),
    ];
    for (code, what, bytes) in breaches {
        let mut raw = Raw::open(address, "/echo").await;
        raw.send(&[masked(0x81, b"before"), bytes, vec![0; 50_000]].concat()).await;
        assert_eq!(raw.next().await, Some((0x81, b"before".to_vec())), "{what}: what was right is answered");
        assert_eq!(raw.closed().await, code, "{what}");
    }
}

#[actix_web::test]
async fn close_codes_that_nobody_may_send_are_a_breach_and_others_come_back() {
    let address = serve();
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        let mut raw = Raw::open(address, "/echo").await;
        raw.send(&masked(0x88, &code.to_be_bytes())).await;
        assert_eq!(raw.closed().await, 1002, "{code}");
    }
    for code in [1000_u16, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
        let mut raw = Raw::open(address, "/echo").await;
        raw.send(&masked(0x88, &[&code.to_be_bytes()[..], &[b'x'; 123]].concat())).await;
        assert_eq!(raw.closed().await, code, "{code}");
    }
}

/// Texts from Autobahn's test suite and Markus Kuhn's decoder test.
#[actix_web::test]
async fn text_is_utf_8_however_it_is_cut() {
    let address = serve();
    let good =
        ["κόσμε", "\u{d7ff}\u{e000}\u{fffd}\u{10ffff}", "\u{0}\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}"];
    for text in good {
        let mut raw = Raw::open(address, "/echo").await;
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            let first =
                (if at == 0 { 0x01 } else { 0x00 }) | (if at + 1 == bytes.len() { 0x80 } else { 0x00 });
            raw.send(&masked(first, &[*byte])).await;
        }
        assert_eq!(raw.next().await, Some((0x81, bytes.to_vec())), "{text:?}");
    }
    let bad: [&[u8]; 9] = [
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
        b"\xf4\x90\x80\x80",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf8\x88\x80\x80\x80",
        b"\x80",
        b"\xff",
        b"\xce",
        b"\xed\xa1\x8c\xed\xbe\xb4",
    ];
    for bytes in bad {
        let (head, tail) = bytes.split_at(bytes.len() / 2);
        for frames in [masked(0x81, bytes), [masked(0x01, head), masked(0x80, tail)].concat()] {
            let mut raw = Raw::open(address, "/echo").await;
            raw.send(&frames).await;
            assert_eq!(raw.closed().await, 1007, "{bytes:?}");
        }
    }
}

#[actix_web::test]
async fn a_server_that_closes_waits_for_the_client_but_not_for_ever() {
    let address = serve();
    let mut answering = Raw::open(address, "/echo").await;
    answering.send(&masked(0x81, b"close me")).await;
    assert_eq!(answering.next().await.unwrap().0, 0x88);
    let began = Instant::now();
    answering.send(&masked(0x88, b"\x03\xf4")).await;
    assert_eq!(answering.next().await, None);
    assert!(began.elapsed() < Duration::from_millis(500));

    let mut silent = Raw::open(address, "/echo").await;
    let began = Instant::now();
    silent.send(&masked(0x81, b"close me")).await;
    assert_eq!(silent.closed().await, 1012);
    assert!(began.elapsed() >= LIMITS.close_timeout, "it was waited for");
}

#[actix_web::test]
async fn a_client_that_does_not_read_is_cut_off_when_it_is_closed() {
    let ended = web::Data::new(Notify::new());
    let mut raw = Raw::open(serve_and_tell(ended.clone()), "/echo").await;
    raw.send(&masked(0x81, b"flood me")).await;
    ended.notified().await;
    let mut received = 0;
    while raw.receive().await {
        received += std::mem::take(&mut raw.received).len();
    }
    assert!(
        received < 900_000,
        "the rest was thrown away when the socket was shut, but {received} bytes came"
    );
}

#[actix_web::test]
async fn a_refusal_is_upgraded_and_closed_with_its_code() {
    let address = serve();
    let mut first = Raw::open(address, "/refuse").await;
    let _second = Raw::open(address, "/refuse").await;
    let (_, head) = Raw::ask(address, "/refuse", "Sec-WebSocket-Version: 13\r\n").await;
    assert!(head.starts_with("HTTP/1.1 429"), "a third stranger from the same address: {head}");
    assert_eq!(first.closed().await, 4001);
}

#[actix_web::test]
async fn what_is_no_websocket_gets_a_status() {
    let address = serve();
    let (_, head) = Raw::ask(address, "/echo", "Sec-WebSocket-Version: 8\r\n").await;
    assert!(
        head.starts_with("HTTP/1.1 426") && head.to_lowercase().contains("sec-websocket-version: 13"),
        "{head}"
    );
    let (_, head) = Raw::ask(address, "/echo", "").await;
    assert!(head.starts_with("HTTP/1.1 426"), "{head}");
    let plain = reqwest::get(format!("http://{address}/echo")).await.unwrap();
    assert_eq!(plain.status(), 426);
    assert_eq!(plain.headers()["content-type"], "application/problem+json");
}

#[actix_web::test]
async fn the_subprotocol_that_carries_a_token_is_echoed() {
    let headers = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: bearer, a.b.c\r\n";
    let (_, head) = Raw::ask(serve(), "/echo", headers).await;
    assert!(head.to_lowercase().contains("sec-websocket-protocol: bearer\r\n"), "{head}");
    assert!(!head.contains("a.b.c"), "the token is not");
}
