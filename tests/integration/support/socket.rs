//! A plain WebSocket client that buffers messages other than the awaited one.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Upper bound for any message to arrive.
const LIMIT: Duration = Duration::from_secs(10);

/// An open WebSocket connection.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    kept: VecDeque<Value>,
    requests: u64,
}

/// How a connection was closed.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed {
    /// Close code; 1006 for a broken connection.
    pub code: u16,
    /// Close reason.
    pub reason: String,
}

impl Socket {
    /// Connects to `path` (including the query) and completes the WebSocket handshake.
    pub async fn connect(address: SocketAddr, path: &str) -> Self {
        Self::connect_with(address, path, &[]).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Like `connect`, with additional headers; an error if the handshake was refused with an HTTP status.
    pub async fn connect_with(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_str(value)?);
        }
        let tcp = TcpStream::connect(address).await?;
        let handshake = tokio_tungstenite::client_async(request, tcp);
        let (stream, _) = tokio::time::timeout(LIMIT, handshake).await.expect("a handshake in time")?;
        Ok(Self { stream, kept: VecDeque::new(), requests: 0 })
    }

    /// Shrinks the receive buffer, so that the server soon notices when this client does not read.
    pub fn shrink_receive_buffer(&self) {
        socket2::SockRef::from(self.stream.get_ref()).set_recv_buffer_size(4 * 1024).unwrap();
    }

    /// Sends a JSON message.
    pub async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    /// Sends text, well-formed or not.
    pub async fn send_text(&mut self, text: &str) {
        // An error means that the server has closed; reading reports that.
        let _ = self.stream.send(Message::text(text)).await;
    }

    /// Sends a message with a fresh `id` and returns the `ack` or `error` with that `id`.
    pub async fn request(&mut self, message: Value) -> Value {
        let what = message.to_string();
        self.try_request(message).await.unwrap_or_else(|closed| panic!("no answer to {what}, but {closed:?}"))
    }

    /// Like `request`; an error if the connection is closed first.
    pub async fn try_request(&mut self, mut message: Value) -> Result<Value, Closed> {
        self.requests += 1;
        let id = self.requests;
        message["id"] = id.into();
        self.send(message).await;
        self.find(|answer| answer["id"] == id && (answer["type"] == "ack" || answer["type"] == "error")).await
    }

    /// Like `request`; panics unless the response is an `ack`.
    pub async fn ack(&mut self, message: Value) -> Value {
        let answer = self.request(message).await;
        assert_eq!(answer["type"], "ack", "{answer}");
        answer
    }

    /// Takes the oldest buffered or next message of this type; others stay buffered.
    pub async fn recv(&mut self, kind: &str) -> Value {
        self.try_recv(kind).await.unwrap_or_else(|closed| panic!("no {kind}, but {closed:?}"))
    }

    /// Like `recv`; an error if the connection is closed first.
    pub async fn try_recv(&mut self, kind: &str) -> Result<Value, Closed> {
        self.find(|message| message["type"] == kind).await
    }

    /// Takes all buffered messages of this type, oldest first.
    pub fn take_all(&mut self, kind: &str) -> Vec<Value> {
        let (taken, kept) = self.kept.drain(..).partition::<Vec<_>, _>(|message| message["type"] == kind);
        self.kept = kept.into();
        taken
    }

    /// Takes the oldest buffered or next event of this kind.
    pub async fn event(&mut self, kind: &str) -> Value {
        self.find(|message| message["type"] == "event" && message["kind"] == kind)
            .await
            .unwrap_or_else(|closed| panic!("no event {kind}, but {closed:?}"))
    }

    /// Sends a ping and waits for its pong: what the session does at its start is done then.
    pub async fn recv_pong(&mut self) {
        self.send(serde_json::json!({"type": "ping"})).await;
        self.recv("pong").await;
    }

    /// The next message of any type.
    pub async fn next(&mut self) -> Result<Value, Closed> {
        match self.kept.pop_front() {
            Some(message) => Ok(message),
            None => self.read().await,
        }
    }

    /// Waits for the server to close the connection; messages before that are dropped.
    pub async fn closed(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.read().await {
                return closed;
            }
        }
    }

    /// Closes the connection with a close handshake.
    pub async fn close(mut self) {
        let _ = self.stream.close(None).await;
        self.closed().await;
    }

    /// The buffered messages, for tests that expect none.
    pub fn left(&self) -> &VecDeque<Value> {
        &self.kept
    }

    async fn find(&mut self, is_it: impl Fn(&Value) -> bool) -> Result<Value, Closed> {
        if let Some(message) = self.kept.iter().position(&is_it).and_then(|at| self.kept.remove(at)) {
            return Ok(message);
        }
        loop {
            let message = self.read().await?;
            if is_it(&message) {
                return Ok(message);
            }
            self.kept.push_back(message);
        }
    }

    async fn read(&mut self) -> Result<Value, Closed> {
        loop {
            let next = tokio::time::timeout(LIMIT, self.stream.next()).await;
            let next = next.unwrap_or_else(|_| panic!("nothing came in time; kept: {:?}", self.kept));
            match next {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame
                        .map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
                    return Err(Closed { code, reason });
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Closed { code: 1006, reason: error.to_string() }),
                None => return Err(Closed { code: 1006, reason: "the connection ended".into() }),
            }
        }
    }
}
