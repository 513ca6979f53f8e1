//! Socket.IO, protocol 5: namespaces, events and their acknowledgements, on top of Engine.IO's messages.
//!
//! Own code and not `socketioxide-parser-common`: that takes any number of attachments and looks at no placeholder.

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
