//! Socket.IO, protocol 5: namespaces, events and acknowledgements, above Engine.IO's messages.
//!
//! Own code and not `socketioxide-parser-common`, which accepts any number of attachments and does not check
//! placeholders.

mod assembler;
mod event;
mod namespace;
mod notice;
mod packet;

pub use assembler::Assembler;
pub use event::{read_event, without_namespace};
pub use namespace::Namespace;
pub(super) use notice::write;
pub use packet::{Kind, Packet, PacketError, PacketLimits};

#[cfg(test)]
mod tests;
