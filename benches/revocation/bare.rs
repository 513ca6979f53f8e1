//! The cost of an upgrade alone: the same transport, one frame as long as the greeting, no session.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::web::{self, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse};
use futures_util::StreamExt;
use souk::http::connection::{ServeOptions, serve as serve_on};
use souk::hub::{Delivery, OutboxLimits};
use souk::protocol::close::Endpoint;
use souk::protocol::frame;
use souk::realtime::websocket::handshake::Handshake;
use souk::realtime::websocket::{ConnectionLimits, FrameLimits};

/// Serves, and prints its address on standard output.
pub(crate) async fn serve() {
    let link = ConnectionLimits {
        frames: FrameLimits { frame: 64 * 1024, message: 64 * 1024, fragments: 128 },
        outbox: OutboxLimits { soft: 256 * 1024, hard: 1024 * 1024 },
        close_timeout: Duration::from_secs(5),
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    let options = ServeOptions { workers: 2, ..ServeOptions::default() };
    let app = move || App::new().app_data(Data::new(link)).route("/ws", web::get().to(upgrade));
    serve_on(listener, options, app).unwrap().await.unwrap();
}

async fn upgrade(request: HttpRequest, payload: Payload, link: Data<ConnectionLimits>) -> HttpResponse {
    let handshake = match Handshake::read(&request, payload, Endpoint::Ws, **link) {
        Ok(handshake) => handshake,
        Err(answer) => return answer,
    };
    let (response, mut connection) = handshake.accept();
    let greeting = frame::text(|to| to.extend_from_slice(&[b' '; 400]));
    let _ = connection.outbox.push(greeting, Delivery::Durable);
    actix_web::rt::spawn(async move { while connection.reader.next().await.is_some() {} });
    response
}
