//! What an upgrade costs without anything behind it: the same transport, one frame of a greeting's length, no session.

use std::time::Duration;

use actix_web::web::{self, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::StreamExt;
use souk::realtime::close::Endpoint;
use souk::realtime::hub::{Delivery, OutboxLimits};
use souk::realtime::protocol::frame;
use souk::realtime::transport::handshake::Handshake;
use souk::realtime::transport::{FrameLimits, LinkLimits, SocketOptions, on_connect};

/// Serves, and says on its standard output where.
pub(crate) async fn serve() {
    let link = LinkLimits {
        frames: FrameLimits { frame: 64 * 1024, message: 64 * 1024, fragments: 128 },
        outbox: OutboxLimits { soft: 256 * 1024, hard: 1024 * 1024 },
        close_timeout: Duration::from_secs(5),
    };
    let server =
        HttpServer::new(move || App::new().app_data(Data::new(link)).route("/ws", web::get().to(upgrade)))
            .workers(2)
            .h1_allow_half_closed(false)
            .on_connect(on_connect(SocketOptions {
                send_buffer: 64 * 1024,
                user_timeout: Duration::from_secs(30),
            }))
            .bind(("127.0.0.1", 0))
            .unwrap();
    println!("{}", server.addrs()[0]);
    server.run().await.unwrap();
}

async fn upgrade(request: HttpRequest, payload: Payload, link: Data<LinkLimits>) -> HttpResponse {
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
