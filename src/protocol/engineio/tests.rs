use std::time::Duration;

use proptest::prelude::*;

use crate::protocol::frame;

use super::packet::PacketError;
use super::*;

const LIMITS: PayloadLimits = PayloadLimits { packets: 4, message: 12 };

fn read(body: &str) -> Result<Vec<Packet>, PacketError> {
    read_payload(body.as_bytes(), LIMITS)
}

fn message(text: &str) -> Packet {
    Packet::Message(text.into())
}

#[test]
fn a_handshake_is_answered_as_the_protocol_has_it() {
    let open = Open {
        sid: "lv_VI97HAXpY6yYWAAAC",
        upgrades: &["websocket"],
        ping_interval: Duration::from_secs(25),
        ping_timeout: Duration::from_secs(20),
        max_payload: 1_000_000,
    };
    assert_eq!(
        open.packet(),
        r#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#
    );
}

#[test]
fn packets_of_clients_are_read() {
    assert_eq!(read("4hello"), Ok(vec![message("hello")]));
    assert_eq!(read("4"), Ok(vec![message("")]));
    assert_eq!(read("bAQIDBA=="), Ok(vec![Packet::Binary(vec![1, 2, 3, 4])]));
    assert_eq!(
        read("3\u{1e}5\u{1e}1\u{1e}6"),
        Ok(vec![Packet::Pong, Packet::Upgrade, Packet::Close, Packet::Noop])
    );
    assert_eq!(Packet::read("2probe"), Ok(Packet::Probe));
    assert_eq!(
        read("4test1\u{1e}4€\u{1e}bAQ==").unwrap(),
        [message("test1"), message("€"), Packet::Binary(vec![1])]
    );
}

#[test]
fn what_no_client_may_send_is_refused() {
    for body in ["", "abc", "0{}", "2", "2prob", "7", "€", "4a\u{1e}", "\u{1e}4a", "\n4a", "11", "5x"] {
        assert_eq!(read(body), Err(PacketError::Type), "{body:?}");
    }
    assert_eq!(read("bA"), Err(PacketError::Base64));
    assert_eq!(read("b====="), Err(PacketError::Base64));
    assert_eq!(read_payload(&[b'4', 0xff], LIMITS), Err(PacketError::Text));
}

#[test]
fn floods_of_separators_or_newlines_stop_at_the_cap() {
    assert_eq!(read("3\u{1e}3\u{1e}3\u{1e}3\u{1e}3"), Err(PacketError::Many));
    let noops = "6\u{1e}".repeat(100_000);
    assert_eq!(read(&noops), Err(PacketError::Many));
    assert_eq!(read(&"\u{1e}".repeat(1_000_000)), Err(PacketError::Type), "an empty packet is none");
    assert_eq!(read(&"\n".repeat(1_000_000)), Err(PacketError::Large));
}

#[test]
fn a_message_above_the_cap_is_refused_before_it_is_decoded() {
    assert_eq!(read(&format!("4{}", "x".repeat(12))).map(|packets| packets.len()), Ok(1));
    assert_eq!(read(&format!("4{}", "x".repeat(13))), Err(PacketError::Large));
    assert_eq!(read("bMTIzNDU2Nzg5MDEy"), Ok(vec![Packet::Binary(b"123456789012".to_vec())]));
    assert_eq!(read("bMTIzNDU2Nzg5MDEyMw=="), Err(PacketError::Large));
    assert_eq!(read(&format!("b{}", "A".repeat(1_000_000))), Err(PacketError::Large));
}

#[test]
fn frames_become_a_payload() {
    let frames = [
        frame::text(|to| to.extend(b"4hello")),
        frame::binary(&[1, 2, 3, 4]),
        frame::text(|to| to.push(b'2')),
    ];
    assert_eq!(from_frames(&frames.concat()), b"4hello\x1ebAQIDBA==\x1e2");
    assert_eq!(from_frames(&[]), b"");
}

proptest! {
    #[test]
    fn no_body_makes_the_reader_panic(body in any::<Vec<u8>>()) {
        let _ = read_payload(&body, LIMITS);
    }

    #[test]
    fn nothing_that_looks_like_a_payload_makes_the_reader_panic(body in "([0-6b€]{1,2}[a-zA-Z0-9=+/]{0,9}\u{1e}?){0,6}") {
        let _ = read_payload(body.as_bytes(), LIMITS);
    }

    #[test]
    fn what_is_put_into_a_payload_comes_out_of_it(
        messages in prop::collection::vec(prop_oneof![
            "[^\u{1e}]{0,12}".prop_map(Packet::Message),
            prop::collection::vec(any::<u8>(), 0..12).prop_map(Packet::Binary),
        ], 1..5),
    ) {
        let frames: Vec<_> = messages.iter().map(|packet| match packet {
            Packet::Binary(bytes) => frame::binary(bytes),
            Packet::Message(text) => frame::text(|to| { to.push(b'4'); to.extend(text.bytes()); }),
            _ => unreachable!(),
        }).collect();
        let limits = PayloadLimits { packets: 4, message: 64 };
        prop_assert_eq!(read_payload(&from_frames(&frames.concat()), limits), Ok(messages));
    }
}
