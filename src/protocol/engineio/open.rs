//! The open packet, which tells the client the connection's parameters.

use std::time::Duration;

use serde::Serialize;

/// The content of the open packet, the answer to a handshake.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Open<'a> {
    /// Identifies the connection in later requests. It is a secret: whoever knows it can fetch the
    /// connection's packets.
    pub(crate) sid: &'a str,
    /// Transports that the client may upgrade to.
    pub(crate) upgrades: &'static [&'static str],
    /// Interval between two pings of the server.
    #[serde(serialize_with = "millis")]
    pub(crate) ping_interval: Duration,
    /// How long the client may take to answer a ping.
    #[serde(serialize_with = "millis")]
    pub(crate) ping_timeout: Duration,
    /// Maximum bytes of one request's body.
    pub(crate) max_payload: usize,
}

impl Open<'_> {
    /// The encoded packet.
    pub(crate) fn packet(&self) -> String {
        // Plain fields, whose serialization cannot fail.
        format!("0{}", serde_json::to_string(self).unwrap_or_default())
    }
}

fn millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
