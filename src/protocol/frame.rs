//! WebSocket frames as a server writes them (RFC 6455, section 5.2): unmasked, unfragmented.

use bytes::{BufMut, Bytes, BytesMut};

/// Maximum bytes of a header that a server writes: two bytes and a 64-bit length.
const MAX_HEADER: usize = 10;
/// FIN and the text opcode.
const TEXT: u8 = 0x81;
/// FIN and the binary opcode.
const BINARY: u8 = 0x82;
/// FIN and the close opcode.
const CLOSE: u8 = 0x88;
/// FIN and the pong opcode.
const PONG: u8 = 0x8a;
/// A control frame's payload has at most 125 bytes, two of which are the close code.
const MAX_REASON: usize = 123;

/// A text frame whose payload is what `write` appends.
pub fn text(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    around(TEXT, write)
}

/// A binary frame.
pub fn binary(payload: &[u8]) -> Bytes {
    around(BINARY, |buffer| buffer.extend_from_slice(payload))
}

/// Writes the payload first and then the header in front of it, without moving the payload.
fn around(first: u8, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut buffer = Vec::with_capacity(256);
    buffer.resize(MAX_HEADER, 0);
    write(&mut buffer);
    let length = buffer.len().saturating_sub(MAX_HEADER);
    let mut header = BytesMut::with_capacity(MAX_HEADER);
    header.put_u8(first);
    put_length(&mut header, length);
    let start = MAX_HEADER.saturating_sub(header.len());
    if let Some(room) = buffer.get_mut(start..MAX_HEADER) {
        room.copy_from_slice(&header);
    }
    Bytes::from(buffer).slice(start..)
}

fn put_length(header: &mut BytesMut, length: usize) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => header.put_u8(short),
        (_, Ok(medium)) => {
            header.put_u8(126);
            header.put_u16(medium);
        }
        _ => {
            header.put_u8(127);
            header.put_u64(length as u64);
        }
    }
}

/// The messages in a sequence of whole frames that this file wrote; control frames among them are skipped.
pub(super) fn messages(frames: &[u8]) -> impl Iterator<Item = Content<'_>> {
    let mut rest = frames;
    std::iter::from_fn(move || {
        loop {
            let (first, payload, after) = split(rest)?;
            rest = after;
            match first {
                TEXT => return Some(Content::Text(payload)),
                BINARY => return Some(Content::Binary(payload)),
                _ => {}
            }
        }
    })
}

/// The payload of a data frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    Text(&'a [u8]),
    Binary(&'a [u8]),
}

/// Splits off the first frame: its first byte, its payload, and the rest.
fn split(frames: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[first, short], rest) = frames.split_first_chunk::<2>()?;
    let (length, rest) = match short {
        126 => rest.split_first_chunk().map(|(bytes, rest)| (u64::from(u16::from_be_bytes(*bytes)), rest))?,
        127 => rest.split_first_chunk().map(|(bytes, rest)| (u64::from_be_bytes(*bytes), rest))?,
        short => (u64::from(short), rest),
    };
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((first, payload, rest))
}

/// A close frame. A reason longer than the 123 bytes that fit into a control frame is cut at a character
/// boundary.
pub(crate) fn close_frame(code: u16, reason: &str) -> Bytes {
    let reason = reason.get(..reason.floor_char_boundary(MAX_REASON)).unwrap_or_default();
    let mut frame = BytesMut::with_capacity(4 + reason.len());
    frame.put_u8(CLOSE);
    put_length(&mut frame, 2 + reason.len());
    frame.put_u16(code);
    frame.put_slice(reason.as_bytes());
    frame.freeze()
}

/// A pong frame with the payload of the ping, which has at most 125 bytes.
pub(crate) fn pong_frame(payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(2 + payload.len());
    frame.put_u8(PONG);
    put_length(&mut frame, payload.len());
    frame.put_slice(payload);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(length: usize) -> Vec<u8> {
        let frame = text(|payload| payload.extend(std::iter::repeat_n(b'x', length)));
        frame[..frame.len() - length].to_vec()
    }

    #[test]
    fn each_length_takes_its_shortest_header() {
        assert_eq!(header_of(0), [0x81, 0]);
        assert_eq!(header_of(125), [0x81, 125]);
        assert_eq!(header_of(126), [0x81, 126, 0, 126]);
        assert_eq!(header_of(65_535), [0x81, 126, 255, 255]);
        assert_eq!(header_of(65_536), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn frames_are_taken_apart_as_they_were_written() {
        let long = vec![b'x'; 70_000];
        let row = [text(|to| to.extend(&long)), pong_frame(b"hm"), binary(&[1, 2]), text(|_| {})].concat();
        let taken: Vec<_> = messages(&row).collect();
        assert_eq!(taken, [Content::Text(&long), Content::Binary(&[1, 2]), Content::Text(b"")]);
    }

    #[test]
    fn a_close_frame_carries_its_code_and_at_most_123_bytes_of_reason() {
        assert_eq!(&close_frame(4001, "no")[..], [0x88, 4, 0x0f, 0xa1, b'n', b'o']);
        let long = close_frame(1000, &"é".repeat(100));
        assert_eq!(long[1], 124, "cut before the character that does not fit whole");
        assert!(std::str::from_utf8(&long[4..]).is_ok());
    }
}
