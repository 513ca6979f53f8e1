//! One connection to Redis at a time, for publishing and subscribing both (RESP3).

use std::cell::Cell;
use std::convert::Infallible;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::ids::NodeId;
use crate::secret::Secret;

use super::message::{Published, encode};
use super::metrics::{BusMetrics, Dropped};
use super::status::BusStatus;

/// How long connecting may take, and how long a command. Past it Redis counts as lost.
const CONNECT: Duration = Duration::from_secs(2);
const RESPOND: Duration = Duration::from_secs(1);

/// How often a quiet connection is asked whether it lives.
const PING: Duration = Duration::from_secs(1);

/// Pause before connecting again.
const RECONNECT: Duration = Duration::from_millis(250);

/// A connection that has lasted this long works.
const LASTING: Duration = Duration::from_secs(5);

/// Messages sent in one go.
const BATCH: usize = 256;

/// Messages that have arrived and wait to be taken. Beyond that they are dropped.
const INBOX: usize = 4_096;

/// Largest message, in bytes. What is larger is told by the database alone.
const LONGEST: usize = 256 * 1024;

/// Why there is no bus.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// Redis refused, is away or does not answer, or the URL is none.
    #[error("{0}")]
    Redis(#[from] redis::RedisError),
    /// The connection was closed.
    #[error("the connection was closed")]
    Closed,
}

impl BusError {
    /// The kind of the error, without addresses and Redis' own words, which are in the log.
    fn kind(&self) -> &'static str {
        match self {
            Self::Closed => "the connection was closed",
            Self::Redis(error) if error.is_connection_refusal() => "the connection was refused",
            Self::Redis(error) if error.is_timeout() => "no answer in time",
            Self::Redis(error) if error.is_connection_dropped() => "the connection was lost",
            Self::Redis(error) => match error.kind() {
                redis::ErrorKind::AuthenticationFailed => "the password was refused",
                redis::ErrorKind::Io => "an input or output error",
                redis::ErrorKind::RESP3NotSupported => "the server is too old",
                redis::ErrorKind::Server(_) => "the server refused a command",
                _ => "an error of another kind",
            },
        }
    }
}

/// A channel of a Redis server, as one node uses it.
pub(crate) struct Bus {
    client: Client,
    channel: String,
    node: NodeId,
    metrics: BusMetrics,
    status: BusStatus,
}

impl Bus {
    /// The channel of the database `database` at the Redis of this URL (`redis://`, `rediss://` for TLS, `unix://`).
    /// Connects only when run.
    pub(crate) fn new(
        url: &Secret<String>,
        database: &str,
        node: NodeId,
        metrics: BusMetrics,
    ) -> Result<Self, BusError> {
        let info = url.expose().as_str().into_connection_info()?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let status = BusStatus::new();
        Ok(Self { client, channel: format!("souk:{database}"), node, metrics, status })
    }

    /// The state of its connection, now and later.
    pub(crate) fn status(&self) -> BusStatus {
        self.status.clone()
    }

    /// Publishes what `outgoing` brings, and gives `take` what other nodes publish and `knows` their senders; for
    /// ever. While Redis is away, messages are dropped.
    pub(crate) async fn run<T: Serialize + DeserializeOwned>(
        &self,
        outgoing: &mut mpsc::Receiver<T>,
        knows: impl Fn(NodeId) -> bool,
        take: impl Fn(NodeId, T),
    ) -> Infallible {
        // What the log says of Redis. That it is there is said once it has been for a while: it may refuse what is
        // published, message by message.
        let said_up = Cell::new(None);
        loop {
            let failed = async {
                let (inbox, connection) = self.connect().await?;
                self.metrics.up.set(1);
                self.status.connected();
                // What waited is old by now.
                self.discard(outgoing);
                let publishing = self.publish(connection, outgoing);
                let lasting = async {
                    sleep(LASTING).await;
                    if said_up.replace(Some(true)) != Some(true) {
                        log::info!("messages of other nodes come over Redis");
                    }
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    failed = publishing => failed,
                    () = self.receive(inbox, &knows, &take) => Err(BusError::Closed),
                    () = lasting => Err(BusError::Closed),
                }
            };
            let failed: Result<Infallible, BusError> = failed.await;
            self.metrics.up.set(0);
            let Err(error) = failed;
            self.status.failed(error.kind());
            if said_up.replace(Some(false)) != Some(false) {
                log::warn!(error:%; "Redis is away: other nodes are heard by the database alone");
            }
            let until = Instant::now() + RECONNECT;
            while timeout_at(until, outgoing.recv()).await.is_ok_and(|message| message.is_some()) {
                self.metrics.drop(Dropped::Away, 1);
            }
            sleep_until(until).await;
        }
    }

    async fn connect(&self) -> Result<(mpsc::Receiver<Vec<u8>>, MultiplexedConnection), BusError> {
        let (arrived, inbox) = mpsc::channel(INBOX);
        let metrics = self.metrics.clone();
        let push = move |info: PushInfo| -> Result<(), mpsc::error::SendError<()>> {
            if info.kind != PushKind::Message {
                return Ok(());
            }
            let Some(Value::BulkString(payload)) = info.data.into_iter().nth(1) else { return Ok(()) };
            match arrived.try_send(payload) {
                Err(mpsc::error::TrySendError::Closed(_)) => Err(mpsc::error::SendError(())),
                Err(mpsc::error::TrySendError::Full(_)) => {
                    metrics.drop(Dropped::Full, 1);
                    Ok(())
                }
                Ok(()) => Ok(()),
            }
        };
        let config = AsyncConnectionConfig::new()
            .set_push_sender(push)
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(RESPOND));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        connection.subscribe(&self.channel).await?;
        Ok((inbox, connection))
    }

    /// Publishes until Redis fails.
    async fn publish<T: Serialize>(
        &self,
        mut connection: MultiplexedConnection,
        outgoing: &mut mpsc::Receiver<T>,
    ) -> Result<Infallible, BusError> {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let mut commands = redis::pipe();
            match timeout_at(Instant::now() + PING, outgoing.recv_many(&mut batch, BATCH)).await {
                Err(_) => {
                    commands.cmd("PING").ignore();
                }
                // The hub is gone: nothing will ever be sent, but others may still be heard.
                Ok(0) => {
                    sleep(PING).await;
                    commands.cmd("PING").ignore();
                }
                Ok(_) => {
                    for message in batch.drain(..) {
                        match encode(self.node, &message) {
                            Ok(payload) if payload.len() <= LONGEST => {
                                commands.publish(&self.channel, payload).ignore();
                                self.metrics.published.inc();
                            }
                            _ => self.metrics.drop(Dropped::Unsendable, 1),
                        }
                    }
                }
            }
            if !commands.is_empty() {
                commands.exec_async(&mut connection).await?;
            }
        }
    }

    /// Takes what other nodes published, until the connection ends.
    async fn receive<T: DeserializeOwned>(
        &self,
        mut inbox: mpsc::Receiver<Vec<u8>>,
        knows: &impl Fn(NodeId) -> bool,
        take: &impl Fn(NodeId, T),
    ) {
        while let Some(payload) = inbox.recv().await {
            match serde_json::from_slice::<Published<T>>(&payload) {
                Ok(own) if own.node == self.node => {}
                Ok(published) if knows(published.node) => {
                    self.metrics.received.inc();
                    take(published.node, published.message);
                }
                Ok(_) => self.metrics.drop(Dropped::Stranger, 1),
                Err(_) => self.metrics.drop(Dropped::Unreadable, 1),
            }
        }
    }

    fn discard<T>(&self, outgoing: &mut mpsc::Receiver<T>) {
        while outgoing.try_recv().is_ok() {
            self.metrics.drop(Dropped::Away, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn an_errors_kind_says_what_an_operator_looks_for() {
        let io = |kind: ErrorKind| BusError::Redis(std::io::Error::from(kind).into()).kind();
        assert_eq!(io(ErrorKind::ConnectionRefused), "the connection was refused");
        assert_eq!(io(ErrorKind::TimedOut), "no answer in time");
        assert_eq!(io(ErrorKind::BrokenPipe), "the connection was lost");
        assert_eq!(io(ErrorKind::PermissionDenied), "an input or output error");
        let refused = (redis::ErrorKind::AuthenticationFailed, "WRONGPASS for souk");
        assert_eq!(BusError::Redis(refused.into()).kind(), "the password was refused");
        assert_eq!(BusError::Closed.kind(), "the connection was closed");
    }
}
