//! Assembles packets with the attachments that follow them.

use bytes::Bytes;

use super::packet::{Packet, PacketError, PacketLimits};

/// Assembles the packets of one connection. After an error it must not be used any more.
#[derive(Debug)]
pub(crate) struct Assembler {
    limits: PacketLimits,
    unfinished: Option<Unfinished>,
}

#[derive(Debug)]
struct Unfinished {
    packet: Packet,
    missing: usize,
    bytes: usize,
}

impl Assembler {
    /// An assembler for a new connection.
    pub(crate) fn new(limits: PacketLimits) -> Self {
        Self { limits, unfinished: None }
    }

    /// A text message arrived. Returns the packet, unless attachments must follow it.
    pub(crate) fn text(&mut self, text: &str) -> Result<Option<Packet>, PacketError> {
        if self.unfinished.is_some() {
            return Err(PacketError::Turn);
        }
        let (packet, missing) = Packet::read(text, self.limits)?;
        if missing == 0 {
            return Ok(Some(packet));
        }
        self.unfinished = Some(Unfinished { packet, missing, bytes: text.len() });
        Ok(None)
    }

    /// A binary message arrived: the next attachment. Returns the packet if it was the last one.
    pub(crate) fn binary(&mut self, bytes: Vec<u8>) -> Result<Option<Packet>, PacketError> {
        let mut unfinished = self.unfinished.take().ok_or(PacketError::Turn)?;
        unfinished.bytes = unfinished.bytes.saturating_add(bytes.len());
        if unfinished.bytes > self.limits.bytes {
            return Err(PacketError::Large);
        }
        unfinished.packet.attachments.push(Bytes::from(bytes));
        unfinished.missing -= 1;
        if unfinished.missing == 0 {
            return Ok(Some(unfinished.packet));
        }
        self.unfinished = Some(unfinished);
        Ok(None)
    }
}
