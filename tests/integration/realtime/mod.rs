//! Live connections.

mod wire;
