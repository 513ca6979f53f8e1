//! Socket.IO, protocol 5: namespaces, events and acknowledgements, above Engine.IO's messages.
//!
//! Own code and not `socketioxide-parser-common`, which accepts any number of attachments and does not check
//! placeholders.

mod assembler;
mod event;
mod namespace;
mod notice;
mod packet;

pub(crate) use assembler::Assembler;
pub(crate) use event::{read_event, without_namespace};
pub(crate) use namespace::Namespace;
pub(super) use notice::write;
pub use packet::{Kind, Packet, PacketLimits};

#[cfg(test)]
mod tests;
