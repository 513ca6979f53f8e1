//! Echo endpoints on the transport and the Socket.IO code of `souk serve`, without application and
//! authentication, for the protocols' own test suites.
//!
//! ```text
//! cargo run --release --example conformance -- PORT [--max-message SIZE] [--max-fragments COUNT]
//!
//! /ws/echo      echoes text as text, bytes as bytes
//! /engine.io/   echoes every Engine.IO message
//! /socket.io/   namespaces `/` and `/custom`: `auth` with the `auth` of the connect packet, `message-back`
//!               for `message`, an acknowledgement for `message-with-ack`
//! ```

#![allow(clippy::print_stdout, reason = "a program that says where it listens")]

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::web::{self, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse};
use clap::Parser;
use futures_util::StreamExt;
use serde_json::value::RawValue;
use souk::http::connection::{ServeOptions, serve as serve_on};
use souk::hub::{Delivery, Outbox, OutboxLimits};
use souk::protocol::close::Endpoint;
use souk::protocol::engineio::PayloadLimits;
use souk::protocol::frame;
use souk::protocol::socketio::{Kind, Packet, PacketLimits};
use souk::realtime::connection::Inbound;
use souk::realtime::engineio::{Connection, Engine, EngineLimits, RequestOutcome};
use souk::realtime::socketio::{
    Accepted, ClientLimits, ConnectError, ConnectHandler, ConnectRequest, Socket, SocketEvent, serve,
};
use souk::realtime::websocket::handshake::Handshake;
use souk::realtime::websocket::{ConnectionLimits, FrameLimits};

/// Delay between two packets that must not arrive together.
const APART: Duration = Duration::from_millis(5);

/// Answers what the protocols' test suites ask.
#[derive(Parser)]
struct Options {
    /// Port of 127.0.0.1 to listen on
    port: u16,
    /// Largest message, in bytes
    #[arg(long, default_value_t = 16 << 20)]
    max_message: usize,
    /// Fragments of one message
    #[arg(long, default_value_t = 1 << 20)]
    max_fragments: usize,
}

/// Connections of each kind of endpoint, kept apart.
struct Server {
    connection: ConnectionLimits,
    engine: Engine,
    socketio: Engine,
    client: ClientLimits,
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let options = Options::parse();
    let server = Data::new(Server::new(&options));
    println!("listening on 127.0.0.1:{}", options.port);
    let listener = TcpListener::bind(("127.0.0.1", options.port))?;
    let serving = ServeOptions { workers: 2, ..ServeOptions::default() };
    serve_on(listener, serving, move || {
        App::new()
            .app_data(server.clone())
            .route("/ws/echo", web::get().to(echo))
            .route("/engine.io/", web::route().to(engineio))
            .route("/socket.io/", web::route().to(socketio))
    })?
    .await
}

impl Server {
    fn new(options: &Options) -> Self {
        let (message, fragments) = (options.max_message, options.max_fragments);
        let frames = FrameLimits { frame: message, message, fragments };
        let hard = message.saturating_mul(2).saturating_add(1 << 20);
        let outbox = OutboxLimits { soft: hard, hard };
        let connection = ConnectionLimits { frames, outbox, close_timeout: Duration::from_secs(5) };
        let limits = EngineLimits {
            ping_interval: Duration::from_millis(300),
            ping_timeout: Duration::from_millis(200),
            max_payload: 1_000_000,
            payload: PayloadLimits { packets: 1_000, message: 1_000_000 },
            upgrade_timeout: Duration::from_secs(10),
            connection,
        };
        let client = ClientLimits {
            connect_timeout: Duration::from_secs(1),
            attempts: 100,
            packets: PacketLimits { attachments: 10, bytes: 1_000_000 },
        };
        Self { connection, engine: Engine::new(limits), socketio: Engine::new(limits), client }
    }
}

async fn echo(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let handshake = match Handshake::read(&request, payload, Endpoint::Ws, server.connection) {
        Ok(handshake) => handshake,
        Err(answer) => return answer,
    };
    let (response, mut connection) = handshake.accept();
    actix_web::rt::spawn(async move {
        while let Some(inbound) = connection.reader.next().await {
            match inbound {
                Inbound::Text(text) => {
                    push(&connection.outbox, frame::text(|to| to.extend_from_slice(text.as_bytes()))).await;
                }
                Inbound::Binary(bytes) => push(&connection.outbox, frame::binary(&bytes)).await,
                Inbound::Fault(reason) => connection.handle.close(reason),
                Inbound::Alive | Inbound::Gone => {}
            }
        }
    });
    response
}

/// Sends frames and waits until they are written: a client that does not read is not read from.
async fn push(outbox: &Outbox, frames: bytes::Bytes) {
    let _ = outbox.push(frames, Delivery::Durable);
    outbox.drained().await;
}

async fn engineio(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let opening = match server.engine.receive(&request, payload).await {
        RequestOutcome::Answered(answer) => return answer,
        RequestOutcome::OpenRequest(opening) => opening,
    };
    let (response, Connection { mut messages, outbox, handle }) = opening.accept();
    actix_web::rt::spawn(async move {
        while let Some(inbound) = messages.next().await {
            let frames = match inbound {
                Inbound::Text(text) => frame::text(|to| {
                    to.push(b'4');
                    to.extend_from_slice(text.as_bytes());
                }),
                Inbound::Binary(bytes) => frame::binary(&bytes),
                Inbound::Fault(reason) => {
                    handle.close(reason);
                    continue;
                }
                Inbound::Alive | Inbound::Gone => continue,
            };
            let _ = outbox.push(frames, Delivery::Durable);
        }
    });
    response
}

async fn socketio(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let opening = match server.socketio.receive(&request, payload).await {
        RequestOutcome::Answered(answer) => return answer,
        RequestOutcome::OpenRequest(opening) => opening,
    };
    let (response, connection) = opening.accept();
    actix_web::rt::spawn(serve(connection, Mirrors(0), server.client));
    response
}

/// A connect handler that admits every socket as an echo, numbered for its id.
struct Mirrors(u32);

impl ConnectHandler for Mirrors {
    async fn connect(&mut self, connect: ConnectRequest) -> Result<Accepted, ConnectError> {
        let ConnectRequest { namespace, auth, socket } = connect;
        if !matches!(namespace.as_str(), "/" | "/custom") {
            return Err(ConnectError::Refused { message: "Invalid namespace".into(), code: None });
        }
        self.0 += 1;
        let sid = format!("{}-{}", uuid::Uuid::new_v4().simple(), self.0);
        let start = move || {
            let auth = auth.as_ref().map_or("{}", |auth| auth.get());
            let greeting = packet(Kind::Event, &namespace, None, format!(r#"["auth",{auth}]"#), Vec::new());
            actix_web::rt::spawn(async move {
                // Flushed separately: a suite that waits for one message at a time misses the second of two
                // in one segment.
                socket.outbox.drained().await;
                actix_web::rt::time::sleep(APART).await;
                let _ = socket.outbox.push(greeting.frames(), Delivery::Durable);
                mirror(socket).await;
            });
        };
        Ok(Accepted { sid, start: Box::new(start) })
    }
}

async fn mirror(mut socket: Socket) {
    while let Some(received) = socket.receive().await {
        let SocketEvent::Packet(received) = received else { continue };
        if let Some(answer) = reflection(*received) {
            let _ = socket.outbox.push(answer.frames(), Delivery::Durable);
        }
    }
}

/// The echo: the same arguments and attachments, as another event or as an acknowledgement.
fn reflection(received: Packet) -> Option<Packet> {
    let Packet { kind: Kind::Event, namespace, id, data, attachments } = received else { return None };
    let parts: Vec<&RawValue> = serde_json::from_str(&data).ok()?;
    let (name, arguments) = parts.split_first()?;
    let arguments = arguments.iter().map(|argument| argument.get());
    match (name.get(), id) {
        (r#""message""#, _) => {
            let list: Vec<_> = std::iter::once(r#""message-back""#).chain(arguments).collect();
            Some(packet(Kind::Event, &namespace, None, format!("[{}]", list.join(",")), attachments))
        }
        (r#""message-with-ack""#, Some(id)) => {
            let list = arguments.collect::<Vec<_>>().join(",");
            Some(packet(Kind::Ack, &namespace, Some(id), format!("[{list}]"), attachments))
        }
        _ => None,
    }
}

fn packet(
    kind: Kind,
    namespace: &str,
    id: Option<u64>,
    data: String,
    attachments: Vec<bytes::Bytes>,
) -> Packet {
    Packet { kind, namespace: namespace.to_owned(), id, data, attachments }
}
