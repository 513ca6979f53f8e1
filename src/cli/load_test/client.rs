//! The WebSocket connection of one synthetic user.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use url::Url;

use crate::secret::Secret;

/// Time limit for a handshake or an answer; a slower one counts as failed.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The server under test, with the load-test secret.
#[derive(Debug, Clone)]
pub(super) struct Target {
    address: String,
    secret: Secret<String>,
}

/// The target's URL is unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be ws:// or http:// with a host; there is no TLS here")]
pub(super) struct InvalidTarget;

/// Why a session could not be opened, or ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The connection failed; holds the system's message.
    #[error("{0}")]
    Network(String),
    /// The WebSocket upgrade was refused; holds the HTTP status.
    #[error("refused with HTTP {0}")]
    Refused(u16),
    /// The server closed the connection.
    #[error("closed with {code} {reason}")]
    Closed {
        /// The close code; 1005 if there was none.
        code: u16,
        /// The server's reason.
        reason: String,
    },
    /// A command was answered with an error; holds its code.
    #[error("refused a command: {0}")]
    Command(String),
    /// No message within [`TIMEOUT`].
    #[error("no answer within 30 s")]
    Late,
}

impl Target {
    /// The server at this URL.
    ///
    /// # Errors
    /// If it is not a `ws://` or `http://` URL.
    pub(super) fn new(url: &Url, secret: Secret<String>) -> Result<Self, InvalidTarget> {
        let is_plain = matches!(url.scheme(), "ws" | "http");
        let host = url.host_str().filter(|host| is_plain && !host.is_empty()).ok_or(InvalidTarget)?;
        let address = format!("{host}:{}", url.port_or_known_default().unwrap_or(80));
        Ok(Self { address, secret })
    }
}

/// The messages that a load test distinguishes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// The answer to this client's own command.
    Pong,
    /// A `typing` notice from another member; holds the sender's user id.
    Typing(String),
    /// Any other message.
    Other,
}

#[derive(Deserialize)]
struct Notice {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    code: Option<String>,
}

/// An open session.
pub(super) struct Client {
    stream: WebSocketStream<TcpStream>,
    user: String,
}

impl Client {
    /// Connects, and waits for the welcome message.
    pub(super) async fn open(target: &Target) -> Result<Self, Failure> {
        timeout(TIMEOUT, Self::connect(target)).await.map_err(|_| Failure::Late)?
    }

    async fn connect(target: &Target) -> Result<Self, Failure> {
        let url = format!("ws://{}/ws", target.address);
        let mut request = url.into_client_request().map_err(failure)?;
        let secret = HeaderValue::from_str(target.secret.expose())
            .map_err(|_| Failure::Network("the secret cannot stand in a header".to_owned()))?;
        request.headers_mut().insert("x-load-test-secret", secret);
        let tcp = TcpStream::connect(&target.address).await.map_err(|error| failure(error.into()))?;
        let (stream, _) = tokio_tungstenite::client_async(request, tcp).await.map_err(failure)?;
        let mut client = Self { stream, user: String::new() };
        while client.user.is_empty() {
            let notice = client.next().await?;
            if notice.kind == "connection_established" {
                client.user = notice.user_id.unwrap_or_default();
            }
        }
        Ok(client)
    }

    /// The user id that the server assigned.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// Joins a room, and waits for the answer.
    pub(super) async fn join(&mut self, room: &str) -> Result<(), Failure> {
        self.send(format!(r#"{{"type":"join","id":1,"room":"{room}"}}"#)).await?;
        let answered = async {
            loop {
                match self.next().await? {
                    Notice { kind, .. } if kind == "ack" => return Ok(()),
                    Notice { kind, code, .. } if kind == "error" => {
                        return Err(Failure::Command(code.unwrap_or_default()));
                    }
                    _ => {}
                }
            }
        };
        timeout(TIMEOUT, answered).await.map_err(|_| Failure::Late)?
    }

    /// Sends a `typing` command, which the room's other members receive.
    pub(super) async fn send_typing(&mut self, room: &str) -> Result<(), Failure> {
        self.send(format!(r#"{{"type":"typing","room":"{room}"}}"#)).await
    }

    /// Sends a `ping` command, which the server answers.
    pub(super) async fn send_ping(&mut self) -> Result<(), Failure> {
        self.send(r#"{"type":"ping"}"#.to_owned()).await
    }

    /// Receives the next message.
    pub(super) async fn receive(&mut self) -> Result<Received, Failure> {
        let notice = self.next().await?;
        Ok(match (notice.kind.as_str(), notice.by) {
            ("pong", _) => Received::Pong,
            ("typing", Some(by)) => Received::Typing(by),
            ("error", _) => return Err(Failure::Command(notice.code.unwrap_or_default())),
            _ => Received::Other,
        })
    }

    /// Closes the session in order.
    pub(super) async fn close(mut self) -> Result<(), Failure> {
        // An error only means that the server closed first.
        let _ = self.stream.close(None).await;
        Ok(())
    }

    async fn send(&mut self, text: String) -> Result<(), Failure> {
        self.stream.send(Message::text(text)).await.map_err(failure)
    }

    /// Cancel-safe: no received message is lost.
    async fn next(&mut self) -> Result<Notice, Failure> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let unreadable = |error| Failure::Network(format!("not what Souk says: {error}"));
                    return serde_json::from_str(&text).map_err(unreadable);
                }
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame
                        .map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
                    return Err(Failure::Closed { code, reason });
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(failure(error)),
                None => return Err(Failure::Network("the connection ended".to_owned())),
            }
        }
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Http(answer) => Failure::Refused(answer.status().as_u16()),
        Error::Io(error) => Failure::Network(error.to_string()),
        error => Failure::Network(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_plain_address() {
        let target = |url: &str| Target::new(&url.parse().unwrap(), Secret::new(String::new()));
        assert_eq!(target("ws://127.0.0.1:8000").unwrap().address, "127.0.0.1:8000");
        assert_eq!(target("http://souk.example/ws").unwrap().address, "souk.example:80");
        assert_eq!(target("wss://souk.example").unwrap_err(), InvalidTarget);
        assert_eq!(target("file:///tmp").unwrap_err(), InvalidTarget);
    }
}
