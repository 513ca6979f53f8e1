//! A WebSocket client that sends arbitrary bytes, valid or not.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

/// A raw connection.
pub struct Raw {
    stream: TcpStream,
    /// Bytes received and not yet consumed.
    pub received: Vec<u8>,
}

impl Raw {
    /// Connects and completes the WebSocket handshake.
    pub async fn open(address: SocketAddr, path: &str) -> Raw {
        let (raw, head) = Raw::ask(address, path, "Sec-WebSocket-Version: 13\r\n").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        assert!(
            head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            "the accept key of RFC 6455, section 1.3: {head}"
        );
        raw
    }

    /// Sends a handshake with additional headers; returns the head of the response, too.
    pub async fn ask(address: SocketAddr, path: &str, headers: &str) -> (Raw, String) {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut raw = Raw { stream, received: Vec::new() };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: souk\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        raw.send(request.as_bytes()).await;
        let end = loop {
            if let Some(at) = raw.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(raw.receive().await, "the server ended the connection without an answer");
        };
        let head = String::from_utf8(raw.received.drain(..end).collect()).unwrap();
        (raw, head)
    }

    /// Sends bytes unchanged.
    pub async fn send(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            self.stream.writable().await.unwrap();
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                // The server has closed the connection; what it sent before can still be read.
                Err(_) => return,
            }
        }
    }

    /// Reads more bytes; `false` at the end of the stream.
    pub async fn receive(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        loop {
            let ready = tokio::time::timeout(Duration::from_secs(20), self.stream.readable());
            ready.await.expect("the server says something or ends the connection").unwrap();
            match self.stream.try_read(&mut buffer) {
                Ok(length) => {
                    self.received.extend(&buffer[..length]);
                    return length > 0;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return false,
            }
        }
    }

    /// First byte and payload of the next frame; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((first, from, to)) = self.whole_frame() {
                let payload = self.received[from..to].to_vec();
                self.received.drain(..to);
                return Some((first, payload));
            }
            if !self.receive().await {
                return None;
            }
        }
    }

    fn whole_frame(&self) -> Option<(u8, usize, usize)> {
        let (first, second) = (*self.received.first()?, *self.received.get(1)?);
        let (from, length) = match second {
            126 => (4, u64::from(u16::from_be_bytes(self.received.get(2..4)?.try_into().unwrap()))),
            127 => (10, u64::from_be_bytes(self.received.get(2..10)?.try_into().unwrap())),
            short => (2, u64::from(short)),
        };
        let to = from + usize::try_from(length).unwrap();
        (self.received.len() >= to).then_some((first, from, to))
    }

    /// The code of the close frame that must come next, followed by the end of the connection.
    pub async fn closed(&mut self) -> u16 {
        let (first, payload) = self.next().await.expect("a close frame");
        assert_eq!(first, 0x88, "a close frame");
        assert_eq!(self.next().await, None, "nothing after it");
        u16::from_be_bytes(payload[..2].try_into().unwrap())
    }
}

/// Encodes a frame with this first byte and payload, masked if a mask is given.
pub fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(masked | u8::try_from(short).unwrap()),
        medium @ 126..65_536 => {
            frame.push(masked | 126);
            frame.extend(u16::try_from(medium).unwrap().to_be_bytes());
        }
        long => {
            frame.push(masked | 127);
            frame.extend(u64::try_from(long).unwrap().to_be_bytes());
        }
    }
    frame.extend(mask.unwrap_or_default().iter().take(if mask.is_some() { 4 } else { 0 }));
    let mask = mask.unwrap_or_default();
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Encodes a frame with a mask, as clients must send it.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, payload, Some([0x37, 0xfa, 0x21, 0x3d]))
}

/// A client that has sent a message and never reads.
pub struct Stalled(Raw);

/// Connects, sends this message and stops reading. Its small receive buffer makes the server notice.
pub async fn stalled(address: SocketAddr, path: &str, says: &serde_json::Value) -> Stalled {
    let mut raw = Raw::open(address, path).await;
    let _ = socket2::SockRef::from(&raw.stream).set_recv_buffer_size(4 * 1024);
    raw.send(&masked(0x81, says.to_string().as_bytes())).await;
    Stalled(raw)
}
