//! A plain WebSocket client that reads what it waits for and keeps the rest.

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

/// No message takes longer.
const LIMIT: Duration = Duration::from_secs(10);

/// A live connection.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    kept: VecDeque<Value>,
    requests: u64,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed {
    /// The close code; 1006 where the connection broke.
    pub code: u16,
    /// The reason.
    pub reason: String,
}

impl Socket {
    /// Connects to `path` (with its query) and finishes the WebSocket handshake.
    pub async fn connect(address: SocketAddr, path: &str) -> Self {
        Self::connect_with(address, path, &[]).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The same with further headers; an error where the handshake was refused with an HTTP status.
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

    /// From here on little fits on the way to it, so that the server soon notices when it does not read.
    pub fn hears_little(&self) {
        socket2::SockRef::from(self.stream.get_ref()).set_recv_buffer_size(4 * 1024).unwrap();
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    /// Sends text, well-formed or not.
    pub async fn send_text(&mut self, text: &str) {
        // That the server closed meanwhile shows when reading.
        let _ = self.stream.send(Message::text(text)).await;
    }

    /// Sends a message with an `id` of its own and waits for the `ack` or `error` with that `id`.
    pub async fn request(&mut self, message: Value) -> Value {
        let what = message.to_string();
        self.try_request(message).await.unwrap_or_else(|closed| panic!("no answer to {what}, but {closed:?}"))
    }

    /// The same; an error where the connection ended first.
    pub async fn try_request(&mut self, mut message: Value) -> Result<Value, Closed> {
        self.requests += 1;
        let id = self.requests;
        message["id"] = id.into();
        self.send(message).await;
        self.find(|answer| answer["id"] == id && (answer["type"] == "ack" || answer["type"] == "error")).await
    }

    /// The same; the answer must be an `ack`.
    pub async fn ack(&mut self, message: Value) -> Value {
        let answer = self.request(message).await;
        assert_eq!(answer["type"], "ack", "{answer}");
        answer
    }

    /// The oldest message of this type that was not taken yet; others wait.
    pub async fn recv(&mut self, kind: &str) -> Value {
        self.try_recv(kind).await.unwrap_or_else(|closed| panic!("no {kind}, but {closed:?}"))
    }

    /// The same; an error where the connection ended first.
    pub async fn try_recv(&mut self, kind: &str) -> Result<Value, Closed> {
        self.find(|message| message["type"] == kind).await
    }

    /// All messages of this type that have come and were not taken yet, oldest first.
    pub fn take_all(&mut self, kind: &str) -> Vec<Value> {
        let (taken, kept) = self.kept.drain(..).partition::<Vec<_>, _>(|message| message["type"] == kind);
        self.kept = kept.into();
        taken
    }

    /// The oldest event of this kind that was not taken yet.
    pub async fn event(&mut self, kind: &str) -> Value {
        self.find(|message| message["type"] == "event" && message["kind"] == kind)
            .await
            .unwrap_or_else(|closed| panic!("no event {kind}, but {closed:?}"))
    }

    /// Asks for a sign of life: what the session does by itself at its start is done then.
    pub async fn recv_pong(&mut self) {
        self.send(serde_json::json!({"type": "ping"})).await;
        self.recv("pong").await;
    }

    /// The next message, whatever it is.
    pub async fn next(&mut self) -> Result<Value, Closed> {
        match self.kept.pop_front() {
            Some(message) => Ok(message),
            None => self.read().await,
        }
    }

    /// How the server ends this; messages before it are dropped.
    pub async fn closed(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.read().await {
                return closed;
            }
        }
    }

    /// Ends the connection from this side, in order.
    pub async fn close(mut self) {
        let _ = self.stream.close(None).await;
        self.closed().await;
    }

    /// Messages that came and were not taken: a test may check that there are none.
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
