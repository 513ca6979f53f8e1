//! Handshakes per second, up to the first frame.

use std::time::Instant;

use futures_util::StreamExt;

use super::Options;
use super::server::Server;
use super::socket::Socket;

/// Rounds, of which the fastest counts: other load on the machine only slows them down.
const ROUNDS: usize = 3;

/// Opens as many connections as there will be sessions, with these headers in turn, and closes them; returns
/// the seconds per connection.
pub(crate) async fn measure(
    what: &str,
    server: &Server,
    headers: &[Option<String>],
    options: &Options,
) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let sockets: Vec<Socket> = futures_util::stream::iter(headers.iter().cycle().take(options.sessions))
            .map(|header| Socket::connect(server.address, header.as_deref()))
            .buffered(options.at_once)
            .collect()
            .await;
        best = best.min(began.elapsed().as_secs_f64() / sockets.len() as f64);
        drop(sockets);
        server.settle().await;
    }
    println!("{what:<42} {:6.0} connects/s", 1.0 / best);
    best
}
