//! Minimal WebSocket clients, so that thousands of them fit into one thread.

use std::net::SocketAddr;
use std::time::Instant;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// What a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A notice that it has left a room.
    Left,
    /// A close frame with this code.
    Closed(u16),
}

/// A WebSocket read by its owner.
pub(crate) struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A WebSocket read by a task of its own.
pub(crate) struct Session {
    seen: mpsc::Receiver<(Seen, Instant)>,
}

impl Socket {
    /// Connects, with an additional header if one is given, and waits for the first frame.
    pub(crate) async fn connect(address: SocketAddr, header: Option<&str>) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let header = header.map(|line| format!("{line}\r\n")).unwrap_or_default();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\n{header}Upgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n",
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut socket = Self { stream, buffer: Vec::new() };
        let end_of_head = loop {
            let end = socket.buffer.windows(4).position(|window| window == b"\r\n\r\n");
            match end {
                Some(end) => break end + 4,
                None => assert!(socket.read_more().await, "no answer to a handshake"),
            }
        };
        let head: Vec<u8> = socket.buffer.drain(..end_of_head).collect();
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        loop {
            let (opcode, payload) = socket.frame().await.expect("a first message");
            match opcode {
                1 => return socket,
                // A ping may come before the greeting.
                9 => socket.write(10, &payload).await,
                _ => panic!("refused: {}", String::from_utf8_lossy(&payload)),
            }
        }
    }

    async fn read_more(&mut self) -> bool {
        self.stream.read_buf(&mut self.buffer).await.is_ok_and(|read| read > 0)
    }

    /// Opcode and payload of the next frame; `None` at the end of the connection.
    pub(crate) async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((header, length)) = frame_length(&self.buffer)
                && self.buffer.len() >= header + length
            {
                let mut frame: Vec<u8> = self.buffer.drain(..header + length).collect();
                let opcode = frame[0] & 0x0f;
                return Some((opcode, frame.split_off(header)));
            }
            if !self.read_more().await {
                return None;
            }
        }
    }

    pub(crate) async fn write(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
        }
        // A mask of zeros is valid and leaves the payload unchanged.
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(payload);
        // An error means that the server has closed; reading reports that.
        let _ = self.stream.write_all(&frame).await;
    }

    /// Joins a room and waits for the acknowledgement.
    pub(crate) async fn join(&mut self, room: &str) {
        let join = format!(r#"{{"type":"join","id":1,"room":"{room}"}}"#);
        self.write(1, join.as_bytes()).await;
        loop {
            let (opcode, payload) = self.frame().await.expect("an answer to a join");
            let text = String::from_utf8_lossy(&payload);
            assert!(!text.contains(r#""type":"error""#), "{text}");
            match opcode {
                1 if text.contains(r#""type":"ack""#) => return,
                9 => self.write(10, &payload).await,
                _ => {}
            }
        }
    }

    /// Starts a task that reads the socket, answers pings, and records when awaited frames arrive.
    pub(crate) fn listen(mut self) -> Session {
        let (notes, seen) = mpsc::channel(4);
        actix_web::rt::spawn(async move {
            while let Some((opcode, payload)) = self.frame().await {
                let now = Instant::now();
                let what = match opcode {
                    1 if payload.windows(13).any(|window| window == b"you have left") => Seen::Left,
                    8 => Seen::Closed(u16::from_be_bytes([payload[0], payload[1]])),
                    9 => {
                        self.write(10, &payload).await;
                        continue;
                    }
                    _ => continue,
                };
                let _ = notes.try_send((what, now));
                if opcode == 8 {
                    self.write(8, &payload).await;
                }
            }
        });
        Session { seen }
    }
}

impl Session {
    /// When this arrived; it must be the next awaited frame.
    pub(crate) async fn when(&mut self, expected: Seen) -> Instant {
        let limit = std::time::Duration::from_secs(30);
        let seen = tokio::time::timeout(limit, self.seen.recv()).await.expect("it is seen in time");
        let (seen, when) = seen.expect("the connection did not break off");
        assert_eq!(seen, expected);
        when
    }
}

/// Length of header and payload of the frame that begins here, once known. Servers do not mask.
fn frame_length(buffer: &[u8]) -> Option<(usize, usize)> {
    match *buffer.get(1)? {
        126 => Some((4, usize::from(u16::from_be_bytes([*buffer.get(2)?, *buffer.get(3)?])))),
        127 => panic!("nothing of that size is expected"),
        length => Some((2, usize::from(length))),
    }
}

/// Opens a session for each header, with this many concurrent handshakes.
pub(crate) async fn connect_all(
    address: SocketAddr,
    headers: &[Option<String>],
    at_once: usize,
) -> Vec<Session> {
    futures_util::stream::iter(headers)
        .map(|header| async move { Socket::connect(address, header.as_deref()).await.listen() })
        .buffered(at_once)
        .collect()
        .await
}
