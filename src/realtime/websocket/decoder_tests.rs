use proptest::prelude::*;

use super::*;

const LIMITS: FrameLimits = FrameLimits { frame: 1_000, message: 1_500, fragments: 4 };
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A masked frame with these first bits.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
        medium => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(medium).unwrap().to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn read_in_chunks(bytes: &[u8], size: usize) -> (Vec<Incoming>, Option<CloseReason>) {
    let mut decoder = Decoder::new(LIMITS);
    let mut read = Vec::new();
    for mut chunk in bytes.chunks(size) {
        loop {
            match decoder.decode(&mut chunk) {
                Ok(Some(incoming)) => read.push(incoming),
                Ok(None) => break,
                Err(reason) => return (read, Some(reason)),
            }
        }
        assert!(chunk.is_empty(), "everything is taken");
    }
    (read, None)
}

fn read(bytes: &[u8]) -> (Vec<Incoming>, Option<CloseReason>) {
    let whole = read_in_chunks(bytes, bytes.len().max(1));
    assert_eq!(read_in_chunks(bytes, 1), whole, "byte by byte it is the same");
    whole
}

fn refused(bytes: &[u8]) -> Option<CloseReason> {
    let (read, reason) = read(bytes);
    assert_eq!(read, [], "nothing before it");
    reason
}

fn text(text: &str) -> Incoming {
    Incoming::Text(text.to_owned())
}

#[test]
fn the_example_of_the_rfc_is_read() {
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(read(&hello), (vec![text("Hello")], None));
}

#[test]
fn messages_of_every_length_are_read() {
    for length in [0, 1, 125, 126, 127, 1_000] {
        let payload = "x".repeat(length);
        assert_eq!(read(&frame(0x81, payload.as_bytes())), (vec![text(&payload)], None));
        assert_eq!(
            read(&frame(0x82, payload.as_bytes())),
            (vec![Incoming::Binary(payload.into_bytes())], None)
        );
    }
}

#[test]
fn fragments_are_put_together_and_a_ping_may_stand_between_them() {
    let bytes =
        [frame(0x01, b"Hel"), frame(0x89, b"?"), frame(0x00, b""), frame(0x80, b"lo"), frame(0x8a, b"")];
    assert_eq!(
        read(&bytes.concat()),
        (vec![Incoming::Ping(b"?".to_vec()), text("Hello"), Incoming::Pong], None)
    );
}

#[test]
fn a_character_may_be_split_between_fragments_but_must_become_whole() {
    let [head, tail] = ["é".as_bytes()[..1].to_vec(), "é".as_bytes()[1..].to_vec()];
    assert_eq!(read(&[frame(0x01, &head), frame(0x80, &tail)].concat()), (vec![text("é")], None));
    assert_eq!(refused(&frame(0x81, &head)), Some(CloseReason::NotUtf8));
    assert_eq!(refused(&frame(0x81, b"\xed\xa0\x80")), Some(CloseReason::NotUtf8), "a lone surrogate");
    assert_eq!(read(&frame(0x82, &head)).1, None, "binary is not text");
}

#[test]
fn text_is_refused_as_soon_as_it_can_be_none() {
    let bad = b"\xce\xba\xf4\x90";
    assert_eq!(refused(&frame(0x01, bad)), Some(CloseReason::NotUtf8), "without its last fragment");
    let unfinished = frame(0x81, &[bad.as_slice(), &[b'x'; 100]].concat());
    assert_eq!(refused(&unfinished[..6 + bad.len()]), Some(CloseReason::NotUtf8), "without the frame's rest");
    assert_eq!(read(&unfinished[..6 + 3]).1, None, "0xf4 may begin a character");
}

#[test]
fn what_the_rfc_forbids_is_a_protocol_error() {
    let unmasked = [0x81, 0x05, b'H', b'e', b'l', b'l', b'o'];
    let cases: [(&str, Vec<u8>); 12] = [
        ("an unmasked frame", unmasked.to_vec()),
        ("RSV1", frame(0xc1, b"x")),
        ("RSV2", frame(0xa1, b"x")),
        ("RSV3", frame(0x91, b"x")),
        ("a reserved data opcode", frame(0x83, b"x")),
        ("a reserved control opcode", frame(0x8b, b"x")),
        ("a fragmented ping", frame(0x09, b"x")),
        ("a ping of 126 bytes", frame(0x89, &[b'x'; 126])),
        ("a continuation of nothing", frame(0x80, b"x")),
        ("a message within a message", [frame(0x01, b"x"), frame(0x81, b"y")].concat()),
        ("a length of 64 bits", [&[0x82, 0xff][..], &[0xff; 8], &MASK].concat()),
        ("a close of one byte", frame(0x88, b"\x03")),
    ];
    for (what, bytes) in cases {
        assert_eq!(refused(&bytes), Some(CloseReason::ProtocolError), "{what}");
    }
}

#[test]
fn a_header_that_announces_too_much_is_refused_before_what_it_announces() {
    let announces_8_gib = [&[0x82, 0xff][..], &(8_u64 << 30).to_be_bytes()].concat();
    assert_eq!(refused(&announces_8_gib), Some(CloseReason::TooBig), "before its mask, even");
    assert_eq!(refused(&frame(0x82, &[0; 1_001])[..4]), Some(CloseReason::TooBig));
}

#[test]
fn fragments_are_capped_together() {
    let big = [frame(0x02, &[0; 1_000]), frame(0x00, &[0; 501])].concat();
    assert_eq!(refused(&big), Some(CloseReason::TooBig), "the sum");
    let many = [frame(0x02, b""), frame(0x00, b"").repeat(4)].concat();
    assert_eq!(refused(&many), Some(CloseReason::TooBig), "the number");
    let enough = [frame(0x02, b""), frame(0x00, b"").repeat(2), frame(0x80, b"")].concat();
    assert_eq!(read(&enough), (vec![Incoming::Binary(Vec::new())], None), "four are allowed");
}

#[test]
fn what_came_whole_before_a_mistake_is_read() {
    let bytes = [frame(0x81, b"first"), frame(0xc1, b"second")].concat();
    assert_eq!(read(&bytes), (vec![text("first")], Some(CloseReason::ProtocolError)));
}

#[test]
fn close_codes_are_those_that_may_be_sent() {
    let closing = |code: u16, reason: &[u8]| frame(0x88, &[&code.to_be_bytes()[..], reason].concat());
    assert_eq!(read(&frame(0x88, b"")), (vec![Incoming::Close(None)], None));
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        assert_eq!(read(&closing(code, b"bye")), (vec![Incoming::Close(Some(code))], None));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        assert_eq!(refused(&closing(code, b"")), Some(CloseReason::ProtocolError), "{code}");
    }
    assert_eq!(refused(&closing(1000, b"\xff")), Some(CloseReason::NotUtf8));
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic_or_keep_more_than_it_may(
        bytes in proptest::collection::vec(any::<u8>(), 0..4_000),
        size in 1_usize..200,
    ) {
        let mut decoder = Decoder::new(LIMITS);
        'all: for mut chunk in bytes.chunks(size) {
            loop {
                match decoder.decode(&mut chunk) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'all,
                }
            }
            let kept = decoder.message.as_ref().map_or(0, |message| message.bytes.len());
            prop_assert!(kept <= LIMITS.message && decoder.control.len() <= 125);
        }
    }

    #[test]
    fn however_a_message_is_cut_into_fragments_and_chunks_it_is_the_same(
        message in "\\PC{0,300}", abort in 0_usize..300, size in 1_usize..50,
    ) {
        let abort = abort.min(message.len());
        let (head, tail) = message.as_bytes().split_at(abort);
        let bytes = [frame(0x01, head), frame(0x80, tail)].concat();
        prop_assert_eq!(read_in_chunks(&bytes, size), (vec![text(&message)], None));
    }
}
