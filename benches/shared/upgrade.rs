//! Opening WebSockets, and a bare server for them, which reads a head and answers with an upgrade and a frame as long as
//! Souk's greeting.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::process::announce;

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Dialect {
    Plain,
    SocketIo,
}

/// Length of the greeting and its frame.
const GREETING: usize = 460;

/// Opens a connection and reads its greeting.
pub(crate) fn connect(address: SocketAddr, dialect: Dialect, token: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (path, authorization) = match dialect {
        Dialect::Plain => ("/ws", format!("Authorization: Bearer {token}\r\n")),
        Dialect::SocketIo => ("/socket.io/?EIO=4&transport=websocket", String::new()),
    };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\n{authorization}Upgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    if dialect == Dialect::SocketIo {
        until(&mut socket, b"pingInterval");
        let packet = format!(r#"40{{"token":"{token}"}}"#);
        let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
        // A mask of zeros is valid and leaves the payload unchanged.
        let frame = [&[0x81, 0x80 | 126], &length[..], &[0; 4], packet.as_bytes()].concat();
        socket.write_all(&frame).unwrap();
    }
    until(&mut socket, b"connection_established");
    socket
}

fn until(socket: &mut TcpStream, mark: &[u8]) {
    let (mut seen, mut buffer) = (Vec::new(), [0; 2048]);
    while !seen.windows(mark.len()).any(|window| window == mark) {
        let read = socket.read(&mut buffer).unwrap();
        assert!(read > 0, "refused: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..read]);
    }
}

/// Serves the bare upgrade until it is killed.
pub(crate) fn serve_bare() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        announce(listener.local_addr().unwrap());
        let answer = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
            sec-websocket-accept: JWgEQ4wkBgYQ3rGaZ2VFWTKfE6Q=\r\n\r\n";
        let greeting = format!("{:1$}", r#"{"type":"connection_established"}"#, GREETING - 4);
        let length = u16::try_from(greeting.len()).unwrap().to_be_bytes();
        let answer: &[u8] =
            [answer.as_bytes(), &[0x81, 126], &length[..], greeting.as_bytes()].concat().leak();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(upgrade(socket, answer));
        }
    });
}

async fn upgrade(mut socket: tokio::net::TcpStream, answer: &[u8]) {
    let (mut head, mut buffer) = (Vec::new(), [0; 2048]);
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read(&mut buffer).await {
            Ok(read) if read > 0 => head.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let _ = socket.write_all(answer).await;
    // Until the client goes.
    while socket.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
