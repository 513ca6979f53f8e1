//! The envelope of what nodes publish.

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;

/// A message and the node that sent it.
#[derive(Serialize, Deserialize)]
pub(super) struct Published<T> {
    pub(super) node: NodeId,
    pub(super) message: T,
}

/// As it goes over the bus: JSON.
pub(super) fn encode<T: Serialize>(node: NodeId, message: &T) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Published { node, message })
}
