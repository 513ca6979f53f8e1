//! Latency of revocation: from the request that ends a right to the close frame at the client, on a server
//! with 5,000 authenticated WebSocket sessions; and the cost of authentication at the handshake.
//!
//! `cargo bench --bench revocation [-- --sessions 5000 --times 200]`. The server is `souk serve` in a process
//! of its own on a fresh SQLite file; the clients share one thread of this process, so that measured times
//! include their own delay. The target is 1 s at the 99th percentile. Machines are noisy: of the connects per
//! second only the ratios within one run are meaningful.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a program for people at a terminal"
)]

#[path = "revocation/bare.rs"]
mod bare;
#[path = "revocation/ends.rs"]
mod ends;
#[path = "revocation/figures.rs"]
mod figures;
#[path = "revocation/handshakes.rs"]
mod handshakes;
#[path = "revocation/people.rs"]
mod people;
#[path = "revocation/server.rs"]
mod server;
#[path = "revocation/socket.rs"]
mod socket;

use clap::Parser;

use ends::Ends;
use people::Town;
use server::Server;

#[derive(Parser, Clone)]
struct Options {
    /// Sessions that stay connected throughout
    #[arg(long, default_value_t = 5_000)]
    sessions: usize,
    /// How often each kind of right is ended
    #[arg(long, default_value_t = 200)]
    times: usize,
    /// Handshakes at once
    #[arg(long, default_value_t = 32)]
    at_once: usize,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// The child: a server that upgrades and does nothing else
    #[arg(long, hide = true)]
    bare: bool,
}

fn main() {
    souk::server::allow_many_files().unwrap();
    let options = Options::parse();
    let system = actix_web::rt::System::new();
    if options.bare {
        return system.block_on(bare::serve());
    }
    system.block_on(measure(&options));
}

async fn measure(options: &Options) {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("souk.db");
    let database = database.to_str().unwrap();
    let town = Town::settle(database, options).await;
    town.authenticate_again_and_again().await;
    let town = town.close().await;

    let bare = Server::bare();
    let nothing =
        handshakes::measure("upgraded, one frame, no authentication", &bare, &[None], options).await;
    drop(bare);
    let server = Server::start(database);
    let secret = [Some(format!("X-Load-Test-Secret: {}", server::LOAD_TEST_SECRET))];
    let synthetic =
        handshakes::measure("/ws, a session, the load-test secret", &server, &secret, options).await;
    let bearers: Vec<_> =
        town.residents.iter().map(|token| Some(format!("Authorization: Bearer {token}"))).collect();
    let session = handshakes::measure("/ws, a session, a token", &server, &bearers, options).await;
    println!(
        "with a token {:.2} times as long as with the secret, {:.2} times as long as bare\n",
        session / synthetic,
        session / nothing
    );

    let _residents = socket::connect_all(server.address, &bearers, options.at_once).await;
    println!("{} sessions are connected; of each kind, {} rights end:", bearers.len(), options.times);
    Ends { server: &server, town: &town, at_once: options.at_once }.measure().await;
}
