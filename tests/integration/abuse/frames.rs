//! Authenticated clients that violate the protocol.

use futures_util::future::join_all;
use serde_json::json;

use super::Target;
use crate::support::{Person, Raw, Socket, SocketIo, frame, masked};

/// Number of clients doing the same concurrently.
const CROWD: usize = 25;

/// 60,000 bytes of JSON that make a naive parser recurse 30,000 times.
fn deep() -> String {
    format!("{}{}", "[".repeat(30_000), "]".repeat(30_000))
}

async fn live(target: &Target, person: &Person) -> Raw {
    let mut raw = Raw::open(target.address(), &person.live_path()).await;
    // A ping may come first.
    while raw.next().await.unwrap().0 != 0x81 {}
    raw
}

/// The code of the next close frame, whatever comes before it.
async fn closed(raw: &mut Raw) -> u16 {
    loop {
        let (first, payload) = raw.next().await.expect("a close frame before the end");
        if first == 0x88 {
            return u16::from_be_bytes(payload[..2].try_into().unwrap());
        }
    }
}

#[actix_web::test]
async fn who_breaks_the_protocol_is_closed_with_its_code() {
    let target = Target::start(&[]).await;
    let ana = target.consumer("ana").await;
    let announced = [&[0x82, 0xff][..], &(8_u64 << 30).to_be_bytes(), &[0; 4]].concat();
    let slowly = masked(0x01, b"[").into_iter().chain(masked(0x00, b"").repeat(300)).collect();
    let breaches: [(u16, &str, Vec<u8>); 8] = [
        (1002, "an unmasked frame", frame(0x81, b"{}", None)),
        (1002, "a reserved bit", masked(0xc1, b"{}")),
        (1002, "a ping in fragments", masked(0x09, b"")),
        (1009, "a header that announces 8 GiB", announced),
        (1009, "a message above the cap", masked(0x81, &[b' '; 70_000])),
        (1009, "a message in too many fragments", slowly),
        (1007, "text that is not UTF-8", masked(0x81, b"{\"type\":\"\xc3\x28\"}")),
        (1003, "bytes where there is only text", masked(0x82, b"{}")),
    ];
    for (code, what, bytes) in &breaches {
        join_all((0..CROWD).map(async |_| {
            let mut raw = live(&target, &ana).await;
            raw.send(bytes).await;
            // The client keeps sending after the violation.
            raw.send(&vec![0x5a; 300_000]).await;
            assert_eq!(closed(&mut raw).await, *code, "{what}");
        }))
        .await;
    }
    target.assert_recovers().await;
}

#[actix_web::test]
async fn what_is_nested_too_deeply_is_a_mistake_and_nothing_more() {
    let target = Target::start(&[]).await;
    let ana = target.consumer("ana").await;
    let deep = deep();
    join_all((0..CROWD).map(async |_| {
        let mut socket = ana.live().await;
        for text in [deep.clone(), format!(r#"{{"type":"ping","id":{deep}}}"#), "[".repeat(60_000)] {
            socket.send_text(&text).await;
            let error = socket.recv("error").await;
            assert!(error["code"] == "malformed" || error["code"] == "invalid", "{error}");
        }
        socket.send(json!({"type": "ping", "id": 7})).await;
        assert_eq!(socket.recv("pong").await["id"], 7, "and it goes on");
        socket.close().await;
    }))
    .await;
    join_all((0..CROWD).map(async |_| {
        let mut socket = SocketIo::connect(target.address(), ana.token().unwrap()).await;
        socket.send(&format!(r#"421["ping",{deep}]"#)).await;
        let answer = socket.recv("ack 1").await;
        assert_eq!(answer["ok"], false, "{answer}");
        assert_eq!(socket.emit("ping", json!({})).await["ok"], true);
    }))
    .await;
    for path in ["/auth/token", "/auth/register", "/requests"] {
        let answer = ana.post_text(path, &deep).header("content-type", "application/json").await;
        assert!((400..500).contains(&answer.status), "{answer}");
    }
    target.assert_recovers().await;
}

#[actix_web::test]
async fn who_makes_no_sense_twenty_times_is_closed() {
    let target = Target::start(&[]).await;
    let ana = target.consumer("ana").await;
    join_all((0..CROWD).map(async |_| {
        let mut socket: Socket = ana.live().await;
        for _ in 0..20 {
            socket.send_text("{").await;
        }
        assert_eq!(socket.recv("disconnecting").await["reason"], "too_many_mistakes");
        assert_eq!(socket.closed().await.code, 4008);
    }))
    .await;
    join_all((0..CROWD).map(async |_| {
        let mut socket = SocketIo::connect(target.address(), ana.token().unwrap()).await;
        for _ in 0..20 {
            socket.send(r#"42["dance"]"#).await;
        }
        let (received, _) = socket.ended().await;
        assert!(received.iter().any(|packet| packet.contains("too_many_mistakes")), "{received:?}");
        assert_eq!(received.last().map(String::as_str), Some("41"), "{received:?}");
    }))
    .await;
    target.assert_recovers().await;
}
