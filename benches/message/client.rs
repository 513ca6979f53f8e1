//! Minimal WebSocket clients, so that a thousand of them cost less than the server that they measure.

use std::net::SocketAddr;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A connection in one room.
pub(crate) struct Socket {
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: Outgoing,
}

pub(crate) struct Incoming {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
    read_to: usize,
}

pub(crate) struct Outgoing {
    stream: OwnedWriteHalf,
    frame: Vec<u8>,
}

impl Socket {
    /// Connects and joins the room.
    pub(crate) async fn join(address: SocketAddr, token: &str, room: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (incoming, outgoing) = stream.into_split();
        let mut socket = Self {
            incoming: Incoming { stream: incoming, buffer: Vec::with_capacity(4_096), read_to: 0 },
            outgoing: Outgoing { stream: outgoing, frame: Vec::new() },
        };
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n",
        );
        socket.outgoing.stream.write_all(request.as_bytes()).await.unwrap();
        socket.incoming.head().await;
        socket.until("connection_established").await;
        let join = format!(r#"{{"type":"join","id":1,"room":"{room}"}}"#);
        socket.outgoing.write(join.as_bytes()).await;
        socket.until("ack").await;
        socket
    }

    async fn until(&mut self, kind: &str) {
        let start = format!(r#"{{"type":"{kind}""#);
        loop {
            let text = self.incoming.next().await.expect("an answer");
            assert!(!text.starts_with(br#"{"type":"error""#), "{}", String::from_utf8_lossy(text));
            if text.starts_with(start.as_bytes()) {
                return;
            }
        }
    }
}

impl Incoming {
    async fn head(&mut self) {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                assert!(
                    self.buffer.starts_with(b"HTTP/1.1 101"),
                    "{}",
                    String::from_utf8_lossy(&self.buffer)
                );
                self.read_to = end + 4;
                return;
            }
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "no answer to a handshake");
        }
    }

    /// The next text frame; `None` at the end of the connection. Pings are left without an answer: the
    /// measurement ends before they are missed.
    pub(crate) async fn next(&mut self) -> Option<&[u8]> {
        loop {
            match self.frame() {
                Some((1, payload)) => return Some(&self.buffer[payload]),
                Some((8, _)) => return None,
                Some(_) => {}
                None => {
                    self.buffer.drain(..self.read_to);
                    self.read_to = 0;
                    if self.stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                        return None;
                    }
                }
            }
        }
    }

    /// Opcode and payload of the frame that comes next in the buffer. Servers do not mask.
    fn frame(&mut self) -> Option<(u8, Range<usize>)> {
        let rest = &self.buffer[self.read_to..];
        let (header, length) = match *rest.get(1)? {
            126 => (4, usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]))),
            127 => panic!("nothing of that size is expected"),
            length => (2, usize::from(length)),
        };
        let opcode = rest[0] & 0x0f;
        let start = self.read_to + header;
        (rest.len() >= header + length).then(|| self.read_to = start + length)?;
        Some((opcode, start..start + length))
    }
}

impl Outgoing {
    pub(crate) async fn write(&mut self, payload: &[u8]) {
        self.frame.clear();
        self.frame.extend_from_slice(&[0x81, 0x80 | 126]);
        self.frame.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        // A mask of zeros is valid and leaves the payload unchanged.
        self.frame.extend_from_slice(&[0; 4]);
        self.frame.extend_from_slice(payload);
        self.stream.write_all(&self.frame).await.unwrap();
    }
}
