//! A live session in either dialect, behind one interface.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::{Client, Socket, SocketIo};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Ws,
    SocketIo,
}

pub(super) const DIALECTS: [Dialect; 2] = [Dialect::Ws, Dialect::SocketIo];

pub(super) enum Live {
    Ws(Socket),
    SocketIo(SocketIo),
}

/// What a client is told when its session ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Farewell {
    pub(super) reason: String,
    pub(super) reconnect_in_ms: Option<u64>,
    pub(super) code: u16,
}

impl Live {
    /// Connects; the error is a close code, or the message of a `connect_error`.
    pub(super) async fn connect(dialect: Dialect, address: SocketAddr, token: &str) -> Result<Self, String> {
        match dialect {
            Dialect::Ws => {
                let mut socket = Socket::connect(address, &format!("/ws?token={token}")).await;
                let greeting = socket.try_recv("connection_established").await;
                greeting.map(|_| Self::Ws(socket)).map_err(|closed| closed.code.to_string())
            }
            Dialect::SocketIo => {
                let mut socket = SocketIo::open(address, "", &[]).await;
                let welcome = socket.knock("/", json!({"token": token})).await;
                welcome.map_err(|refusal| refusal["message"].as_str().unwrap().to_owned())?;
                socket.recv("connection_established").await;
                Ok(Self::SocketIo(socket))
            }
        }
    }

    pub(super) async fn of(dialect: Dialect, client: &Client) -> Self {
        Self::connect(dialect, client.address(), client.token().unwrap()).await.unwrap()
    }

    /// Sends a command; the response, or the code of the error.
    pub(super) async fn ask(&mut self, command: &str, fields: Value) -> Result<Value, String> {
        match self {
            Self::Ws(socket) => {
                let mut message = fields;
                message["type"] = command.into();
                let answer = socket.request(message).await;
                match answer["type"].as_str() {
                    Some("ack") => Ok(answer),
                    _ => Err(answer["code"].as_str().unwrap().to_owned()),
                }
            }
            Self::SocketIo(socket) => {
                let answer = socket.emit(command, fields).await;
                match answer["ok"] == true {
                    true => Ok(answer),
                    false => Err(answer["error"]["code"].as_str().unwrap().to_owned()),
                }
            }
        }
    }

    /// Asserts that the session is alive and receives notices.
    pub(super) async fn assert_alive(&mut self, who: &str) {
        match self {
            Self::Ws(socket) => {
                socket.send(json!({"type": "ping", "id": who})).await;
                let pong = socket.try_recv("pong").await;
                assert_eq!(pong.unwrap_or_else(|closed| panic!("{who}: {closed:?}"))["id"], who);
            }
            Self::SocketIo(socket) => {
                assert_eq!(socket.emit("ping", json!({})).await["ok"], true, "{who}");
            }
        }
    }

    /// Takes the oldest buffered or next notice of this name.
    pub(super) async fn recv(&mut self, name: &str) -> Value {
        match self {
            Self::Ws(socket) => socket.recv(name).await,
            Self::SocketIo(socket) => socket.recv(name).await,
        }
    }

    /// How the server ends the session. A client that must not reconnect has to be disconnected from its
    /// namespace, or its library reconnects by itself.
    pub(super) async fn farewell(&mut self) -> Farewell {
        match self {
            Self::Ws(socket) => {
                let notice = socket.recv("disconnecting").await;
                let closed = socket.closed().await;
                assert!(closed.reason.contains("reconnect"), "{closed:?}");
                Farewell {
                    reason: notice["reason"].as_str().unwrap().to_owned(),
                    reconnect_in_ms: notice["reconnect_in_ms"].as_u64(),
                    code: closed.code,
                }
            }
            Self::SocketIo(socket) => {
                let (received, code) = socket.ended().await;
                let last = received.iter().rev().find_map(|packet| packet.strip_prefix("42"));
                let (name, data): (String, Value) =
                    serde_json::from_str(last.unwrap_or_else(|| panic!("not told why: {received:?}")))
                        .unwrap();
                assert_eq!(name, "error", "{received:?}");
                let reconnect_in_ms = data["reconnect_in_ms"].as_u64();
                assert_eq!(
                    received.iter().any(|packet| packet == "41"),
                    reconnect_in_ms.is_none(),
                    "{received:?}"
                );
                Farewell { reason: data["code"].as_str().unwrap().to_owned(), reconnect_in_ms, code }
            }
        }
    }
}
