//! One synthetic user's connection.

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

use crate::config::Secret;

/// No handshake and no answer takes longer, or it counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server, and what it lets load tests in by.
#[derive(Debug, Clone)]
pub(super) struct Target {
    address: String,
    secret: Secret<String>,
}

/// What is wrong with a target's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be ws:// or http:// with a host; there is no TLS here")]
pub(super) struct InvalidTarget;

/// Why a session could not be opened, or did not last.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The connection failed; in the system's words.
    #[error("{0}")]
    Network(String),
    /// There was no upgrade.
    #[error("refused with HTTP {0}")]
    Refused(u16),
    /// The server closed.
    #[error("closed with {code} {reason}")]
    Closed {
        /// The close code; 1005 without one.
        code: u16,
        /// In the server's words.
        reason: String,
    },
    /// A command was answered with an error; its code.
    #[error("refused a command: {0}")]
    Command(String),
    /// Nothing came for too long.
    #[error("no answer within 30 s")]
    Late,
}

impl Target {
    /// The server at this address.
    ///
    /// # Errors
    /// For what is no `ws://` or `http://` address.
    pub(super) fn new(url: &Url, secret: Secret<String>) -> Result<Self, InvalidTarget> {
        let is_plain = matches!(url.scheme(), "ws" | "http");
        let host = url.host_str().filter(|host| is_plain && !host.is_empty()).ok_or(InvalidTarget)?;
        let address = format!("{host}:{}", url.port_or_known_default().unwrap_or(80));
        Ok(Self { address, secret })
    }
}

/// What a client hears that matters here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The answer to what it asked.
    Answer,
    /// Somebody in its room said something.
    Said(String),
    /// Anything else.
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

/// A session that is open.
pub(super) struct Client {
    stream: WebSocketStream<TcpStream>,
    user: String,
}

impl Client {
    /// Opens one, and waits until it is greeted.
    pub(super) async fn open(target: &Target) -> Result<Self, Failure> {
        timeout(PATIENCE, Self::connect(target)).await.map_err(|_| Failure::Late)?
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

    /// Whom the server takes it for.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// Joins a room, and waits until that is answered.
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
        timeout(PATIENCE, answered).await.map_err(|_| Failure::Late)?
    }

    /// Says something that the others in the room hear.
    pub(super) async fn say(&mut self, room: &str) -> Result<(), Failure> {
        self.send(format!(r#"{{"type":"typing","room":"{room}"}}"#)).await
    }

    /// Asks for an answer.
    pub(super) async fn ask(&mut self) -> Result<(), Failure> {
        self.send(r#"{"type":"ping"}"#.to_owned()).await
    }

    /// The next thing that it hears.
    pub(super) async fn hear(&mut self) -> Result<Heard, Failure> {
        let notice = self.next().await?;
        Ok(match (notice.kind.as_str(), notice.by) {
            ("pong", _) => Heard::Answer,
            ("typing", Some(by)) => Heard::Said(by),
            ("error", _) => return Err(Failure::Command(notice.code.unwrap_or_default())),
            _ => Heard::Other,
        })
    }

    /// Goes, in order.
    pub(super) async fn leave(mut self) -> Result<(), Failure> {
        // That the server is quicker changes nothing.
        let _ = self.stream.close(None).await;
        Ok(())
    }

    async fn send(&mut self, text: String) -> Result<(), Failure> {
        self.stream.send(Message::text(text)).await.map_err(failure)
    }

    /// Cancel-safe: what was read is not lost.
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
