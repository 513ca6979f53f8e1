//! The first packet: what the client must know of the connection.

use std::time::Duration;

use serde::Serialize;

/// What a handshake is answered with.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Open<'a> {
    /// Names the connection in later requests. Whoever knows it can take the connection's packets.
    pub sid: &'a str,
    /// Transports that the client may change to.
    pub upgrades: &'static [&'static str],
    /// How often the server pings.
    #[serde(serialize_with = "millis")]
    pub ping_interval: Duration,
    /// How long a ping may go unanswered.
    #[serde(serialize_with = "millis")]
    pub ping_timeout: Duration,
    /// Bytes that the client may put into one request.
    pub max_payload: usize,
}

impl Open<'_> {
    /// The packet.
    pub fn packet(&self) -> String {
        // Plain fields: nothing in them can fail to be written.
        format!("0{}", serde_json::to_string(self).unwrap_or_default())
    }
}

fn millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
