//! Decodes the WebSocket frames of clients (RFC 6455, section 5) incrementally, and refuses them by their
//! headers.
//!
//! A library's codec checks a frame's length once the whole frame has arrived, so that a header which
//! announces 8 GiB makes the server keep everything that follows. Here the header alone decides, and nothing
//! of a refused frame is kept. Fragments are assembled under the same limits, and text is refused at the
//! first byte that is not UTF-8.

use crate::protocol::close::CloseReason;

/// What one client may make the server keep in memory.
#[derive(Debug, Clone, Copy)]
pub struct FrameLimits {
    /// Maximum bytes of a frame's payload.
    pub frame: usize,
    /// Maximum bytes of a message, all fragments together.
    pub message: usize,
    /// Maximum fragments of a message. Empty ones cost nothing to send and would never reach the limit of
    /// bytes.
    pub fragments: usize,
}

/// A decoded message or control frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A whole text message.
    Text(String),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A ping, to be answered with the same payload.
    Ping(Vec<u8>),
    /// A pong: an answer to our ping, or unsolicited.
    Pong,
    /// The client closes the connection, with this code if it gives one.
    Close(Option<u16>),
}

/// Decodes chunks of bytes into messages. Plain state, without I/O.
#[derive(Debug)]
pub(super) struct Decoder {
    limits: FrameLimits,
    header: Header,
    frame: Option<Frame>,
    /// The payload of a control frame, which may come between a message's fragments.
    control: Vec<u8>,
    message: Option<Message>,
}

/// The bytes of an incomplete header: at most 2, a length of 8, a mask of 4.
#[derive(Debug, Default)]
struct Header {
    bytes: [u8; 14],
    filled: usize,
}

/// A frame whose header has been accepted.
#[derive(Debug)]
struct Frame {
    last: bool,
    opcode: Opcode,
    mask: [u8; 4],
    length: usize,
    taken: usize,
}

#[derive(Debug)]
struct Message {
    is_text: bool,
    bytes: Vec<u8>,
    /// Number of bytes that have been checked as UTF-8.
    checked: usize,
    fragments: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Decoder {
    /// A decoder for a new connection.
    pub(super) fn new(limits: FrameLimits) -> Self {
        Self { limits, header: Header::default(), frame: None, control: Vec::new(), message: None }
    }

    /// Consumes `input` up to the end of the next message; `None` if all was consumed and more is needed.
    ///
    /// After an error the decoder must not be used any more.
    pub(super) fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Incoming>, CloseReason> {
        loop {
            let Some(mut frame) = self.frame.take() else {
                let Some(frame) = self.next_header(input)? else { return Ok(None) };
                self.frame = Some(frame);
                continue;
            };
            self.take_payload(&mut frame, input);
            if frame.taken < frame.length {
                self.check_text()?;
                self.frame = Some(frame);
                return Ok(None);
            }
            if let Some(incoming) = self.end_of(&frame)? {
                return Ok(Some(incoming));
            }
        }
    }

    /// Reads a header as far as it has arrived. What its first two bytes make invalid is refused before the
    /// rest arrives.
    fn next_header(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, CloseReason> {
        if !self.header.fill(2, input) {
            return Ok(None);
        }
        let [first, second, ..] = self.header.bytes;
        let last = first & 0x80 != 0;
        let opcode = self.checked_opcode(first, second)?;
        let length_bytes = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if !self.header.fill(2 + length_bytes, input) {
            return Ok(None);
        }
        let length = self.checked_length(opcode, length_bytes)?;
        if !self.header.fill(2 + length_bytes + 4, input) {
            return Ok(None);
        }
        let mask = self.header.mask(2 + length_bytes);
        self.header.filled = 0;
        if !matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong) {
            self.count_fragment(opcode)?;
        }
        Ok(Some(Frame { last, opcode, mask, length, taken: 0 }))
    }

    fn checked_opcode(&self, first: u8, second: u8) -> Result<Opcode, CloseReason> {
        let last = first & 0x80 != 0;
        let reserved = first & 0x70 != 0;
        let masked = second & 0x80 != 0;
        let opcode = Opcode::read(first & 0x0f).ok_or(CloseReason::ProtocolError)?;
        let in_place = match opcode {
            Opcode::Continuation => self.message.is_some(),
            Opcode::Text | Opcode::Binary => self.message.is_none(),
            Opcode::Close | Opcode::Ping | Opcode::Pong => last && second & 0x7f <= 125,
        };
        if reserved || !masked || !in_place { Err(CloseReason::ProtocolError) } else { Ok(opcode) }
    }

    fn checked_length(&self, opcode: Opcode, length_bytes: usize) -> Result<usize, CloseReason> {
        let length = self.header.length(length_bytes);
        if length > i64::MAX as u64 {
            return Err(CloseReason::ProtocolError);
        }
        let length = usize::try_from(length).map_err(|_| CloseReason::TooBig)?;
        let kept = match opcode {
            Opcode::Continuation => self.message.as_ref().map_or(0, |message| message.bytes.len()),
            _ => 0,
        };
        if length > self.limits.frame || kept.saturating_add(length) > self.limits.message {
            return Err(CloseReason::TooBig);
        }
        Ok(length)
    }

    fn count_fragment(&mut self, opcode: Opcode) -> Result<(), CloseReason> {
        let message = self.message.get_or_insert_with(|| Message {
            is_text: opcode == Opcode::Text,
            bytes: Vec::new(),
            checked: 0,
            fragments: 0,
        });
        message.fragments += 1;
        if message.fragments > self.limits.fragments { Err(CloseReason::TooBig) } else { Ok(()) }
    }

    fn take_payload(&mut self, frame: &mut Frame, input: &mut &[u8]) {
        let (bytes, rest) = input.split_at(input.len().min(frame.length - frame.taken));
        *input = rest;
        let mask = frame.mask.iter().cycle().skip(frame.taken % 4);
        let unmasked = bytes.iter().zip(mask).map(|(byte, mask)| byte ^ mask);
        match &mut self.message {
            Some(message) if !frame.is_control() => message.bytes.extend(unmasked),
            _ => self.control.extend(unmasked),
        }
        frame.taken += bytes.len();
    }

    /// Checks text as it arrives. An incomplete message may end within a character, but must not contain
    /// invalid bytes.
    fn check_text(&mut self) -> Result<(), CloseReason> {
        let Some(message) = self.message.as_mut().filter(|message| message.is_text) else { return Ok(()) };
        let unchecked = message.bytes.get(message.checked..).unwrap_or_default();
        message.checked += match std::str::from_utf8(unchecked) {
            Ok(characters) => characters.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Err(CloseReason::NotUtf8),
        };
        Ok(())
    }

    fn end_of(&mut self, frame: &Frame) -> Result<Option<Incoming>, CloseReason> {
        match frame.opcode {
            Opcode::Ping => Ok(Some(Incoming::Ping(std::mem::take(&mut self.control)))),
            Opcode::Pong => {
                self.control.clear();
                Ok(Some(Incoming::Pong))
            }
            Opcode::Close => close(&std::mem::take(&mut self.control)).map(Some),
            Opcode::Continuation | Opcode::Text | Opcode::Binary if !frame.last => {
                self.check_text().map(|()| None)
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                let Some(message) = self.message.take() else { return Ok(None) };
                if !message.is_text {
                    return Ok(Some(Incoming::Binary(message.bytes)));
                }
                String::from_utf8(message.bytes)
                    .map(|text| Some(Incoming::Text(text)))
                    .map_err(|_| CloseReason::NotUtf8)
            }
        }
    }
}

/// Parses a close frame (RFC 6455, sections 5.5.1 and 7.4): empty, or a code that may be sent and a reason in
/// UTF-8.
fn close(payload: &[u8]) -> Result<Incoming, CloseReason> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(Incoming::Close(None)) } else { Err(CloseReason::ProtocolError) };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(CloseReason::ProtocolError);
    }
    if std::str::from_utf8(reason).is_err() {
        return Err(CloseReason::NotUtf8);
    }
    Ok(Incoming::Close(Some(code)))
}

impl Header {
    /// Moves bytes from `input` until there are `wanted`; returns whether there are.
    fn fill(&mut self, wanted: usize, input: &mut &[u8]) -> bool {
        if let Some(room) = self.bytes.get_mut(self.filled..wanted) {
            let (bytes, rest) = input.split_at(input.len().min(room.len()));
            room.iter_mut().zip(bytes).for_each(|(room, byte)| *room = *byte);
            self.filled += bytes.len();
            *input = rest;
        }
        self.filled >= wanted
    }

    fn length(&self, length_bytes: usize) -> u64 {
        let [_, second, extended @ ..] = self.bytes;
        if length_bytes == 0 {
            return u64::from(second & 0x7f);
        }
        extended.iter().take(length_bytes).fold(0, |length, byte| length << 8 | u64::from(*byte))
    }

    fn mask(&self, at: usize) -> [u8; 4] {
        self.bytes.get(at..).and_then(|bytes| bytes.first_chunk::<4>()).copied().unwrap_or_default()
    }
}

impl Frame {
    fn is_control(&self) -> bool {
        matches!(self.opcode, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

impl Opcode {
    fn read(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
