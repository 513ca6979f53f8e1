//! Engine.IO payloads: packets in an HTTP body, joined by a record separator.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::protocol::frame::{self, Content};

use super::packet::{Packet, PacketError};

const SEPARATOR: char = '\u{1e}';

/// The limits of one payload. The size of the whole body is limited before it is read.
#[derive(Debug, Clone, Copy)]
pub struct PayloadLimits {
    /// Maximum number of packets. A body of separators costs nothing to send and would yield as many packets.
    pub packets: usize,
    /// Maximum bytes of one message.
    pub message: usize,
}

/// Parses the packets of a request's body; all of them or none.
pub(crate) fn read_payload(body: &[u8], limits: PayloadLimits) -> Result<Vec<Packet>, PacketError> {
    let body = std::str::from_utf8(body).map_err(|_| PacketError::Text)?;
    let mut packets = Vec::new();
    for packet in body.split(SEPARATOR) {
        if packets.len() >= limits.packets {
            return Err(PacketError::Many);
        }
        packets.push(read_packet(packet, limits.message)?);
    }
    Ok(packets)
}

fn read_packet(text: &str, at_most: usize) -> Result<Packet, PacketError> {
    let Some(encoded) = text.strip_prefix('b') else {
        // One byte of the text is the packet's type.
        return if text.len() > at_most.saturating_add(1) {
            Err(PacketError::Large)
        } else {
            Packet::read(text)
        };
    };
    // Four characters encode three bytes, so a message that is too long is refused before it is decoded.
    if encoded.len() / 4 > at_most.div_ceil(3) {
        return Err(PacketError::Large);
    }
    let bytes = STANDARD.decode(encoded).map_err(|_| PacketError::Base64)?;
    if bytes.len() > at_most { Err(PacketError::Large) } else { Ok(Packet::Binary(bytes)) }
}

/// Converts a sequence of WebSocket frames written by the server into a payload.
pub(crate) fn from_frames(frames: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(frames.len());
    for content in frame::messages(frames) {
        if !payload.is_empty() {
            payload.push(SEPARATOR as u8);
        }
        match content {
            Content::Text(packet) => payload.extend_from_slice(packet),
            Content::Binary(bytes) => {
                payload.push(b'b');
                payload.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            }
        }
    }
    payload
}
