//! A Socket.IO client over a WebSocket that sends arbitrary packets and checks each packet it receives.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};

const LIMIT: Duration = Duration::from_secs(10);

/// An open connection.
pub struct SocketIo {
    stream: WebSocketStream<TcpStream>,
    kept: VecDeque<(String, Value)>,
    emitted: u64,
}

impl SocketIo {
    /// Opens a connection without a namespace; `query` begins with `&` or is empty.
    pub async fn open(address: SocketAddr, query: &str, headers: &[(&'static str, &str)]) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket{query}");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().append(HeaderName::from_static(name), value);
        }
        let tcp = TcpStream::connect(address).await.unwrap();
        let (stream, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
        let mut socket = Self { stream, kept: VecDeque::new(), emitted: 0 };
        let open = socket.packet().await.unwrap();
        assert!(open.starts_with(r#"0{"sid":""#), "{open}");
        socket
    }

    /// Connects to the main namespace with a token and takes the greeting.
    pub async fn connect(address: SocketAddr, token: &str) -> Self {
        let mut socket = Self::open(address, "", &[]).await;
        socket.knock("/", json!({"token": token})).await.unwrap();
        socket.recv("connection_established").await;
        socket
    }

    /// Connects to a namespace; the `connect_error`'s data if refused.
    pub async fn knock(&mut self, namespace: &str, auth: Value) -> Result<Value, Value> {
        let prefix = if namespace == "/" { String::new() } else { format!("{namespace},") };
        let auth = if auth.is_null() { String::new() } else { auth.to_string() };
        self.send(&format!("40{prefix}{auth}")).await;
        loop {
            let answer = self.packet().await.unwrap();
            let data = |kind: &str| {
                let rest = answer.strip_prefix(kind)?.strip_prefix(&prefix)?;
                serde_json::from_str::<Value>(rest).ok()
            };
            match (data("40"), data("44")) {
                (Some(welcome), _) => return Ok(welcome),
                (None, Some(refusal)) => return Err(refusal),
                (None, None) => self.keep(&answer),
            }
        }
    }

    /// Sends a packet, well-formed or not.
    pub async fn send(&mut self, packet: &str) {
        // An error means that the server has closed; reading reports that.
        let _ = self.stream.send(Message::text(packet)).await;
    }

    /// Shrinks the receive buffer, so that the server soon notices when this client does not read.
    pub fn shrink_receive_buffer(&self) {
        socket2::SockRef::from(self.stream.get_ref()).set_recv_buffer_size(4 * 1024).unwrap();
    }

    /// Sends a binary attachment.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.send(Message::binary(bytes.to_vec())).await;
    }

    /// Emits an event and returns its acknowledgement.
    pub async fn emit(&mut self, event: &str, data: Value) -> Value {
        self.emitted += 1;
        self.send(&format!("42{}{}", self.emitted, json!([event, data]))).await;
        let id = format!("ack {}", self.emitted);
        self.recv(&id).await
    }

    /// Takes the oldest buffered or next event of this name.
    pub async fn recv(&mut self, name: &str) -> Value {
        loop {
            if let Some(at) = self.kept.iter().position(|(kept, _)| kept == name) {
                return self.kept.remove(at).unwrap().1;
            }
            let packet = self.packet().await.unwrap_or_else(|| panic!("no {name}; kept: {:?}", self.kept));
            self.keep(&packet);
        }
    }

    /// Takes all buffered events of this name, oldest first.
    pub fn take_all(&mut self, name: &str) -> Vec<Value> {
        let (taken, kept) = self.kept.drain(..).partition::<Vec<_>, _>(|(kept, _)| kept == name);
        self.kept = kept.into();
        taken.into_iter().map(|(_, data)| data).collect()
    }

    /// The next packet other than a ping, unparsed.
    pub async fn next_raw(&mut self) -> String {
        if let Some(at) =
            self.kept.iter().position(|(packet, data)| data.is_null() && packet.starts_with('4'))
        {
            return self.kept.remove(at).unwrap().0;
        }
        self.packet().await.expect("a packet")
    }

    /// Waits for the server to close the connection; returns the packets before that and the close code.
    pub async fn ended(&mut self) -> (Vec<String>, u16) {
        let mut received = Vec::new();
        loop {
            match tokio::time::timeout(LIMIT, self.stream.next()).await.expect("an end in time") {
                Some(Ok(Message::Text(text))) => received.push(text.to_string()),
                Some(Ok(Message::Close(frame))) => {
                    return (received, frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return (received, 1006),
            }
        }
    }

    fn keep(&mut self, packet: &str) {
        let (kind, rest) = packet.split_at(2);
        if rest.starts_with('/') {
            // A packet of another namespace is kept unparsed.
            return self.kept.push_back((packet.to_owned(), Value::Null));
        }
        let (id, data) = rest.split_at(rest.find('[').unwrap_or(rest.len()));
        match kind {
            "42" => {
                let (name, data): (String, Value) = serde_json::from_str(data).unwrap();
                self.kept.push_back((name, data));
            }
            "43" => {
                let [data]: [Value; 1] = serde_json::from_str(data).unwrap();
                self.kept.push_back((format!("ack {id}"), data));
            }
            _ => self.kept.push_back((packet.to_owned(), Value::Null)),
        }
    }

    /// The next packet other than a ping, which is answered; `None` at the end of the connection.
    async fn packet(&mut self) -> Option<String> {
        loop {
            let next = tokio::time::timeout(LIMIT, self.stream.next()).await;
            match next.unwrap_or_else(|_| panic!("nothing came in time; kept: {:?}", self.kept))? {
                Ok(Message::Text(text)) if text.as_str() == "2" => self.send("3").await,
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}
