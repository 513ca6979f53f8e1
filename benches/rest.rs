//! The cost of REST: CPU time of a real server for one request, and how long clients wait, with 64 connections that are
//! kept alive, each of a provider of its own who asks again once the answer is there.
//!
//! `cargo bench --bench rest [-- --seconds 3 --rows 1000]`. In the same run the same requests are made to a bare web
//! server on the same crate, which reads the request and answers with as many bytes that it has at hand: only the ratio of
//! the two, and CPU per request, carry over to other machines.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a program for people at a terminal"
)]

#[path = "rest/bare.rs"]
mod bare;
#[path = "rest/client.rs"]
mod client;
#[path = "shared/people.rs"]
mod people;
#[path = "shared/process.rs"]
mod process;

use std::time::{Duration, Instant};

use clap::Parser;
use souk::domain::users::Role;
use souk::ids::RequestId;

use client::{Answer, Connection};
use people::{Marketplace, Person, open_request};
use process::Server;

/// Requests that are opened in one transaction.
const BATCH: usize = 1_000;

#[derive(Parser)]
struct Options {
    /// Length of each measurement, in seconds
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Clients, each with a connection
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Requests of consumers that are open, each with its event
    #[arg(long, default_value_t = 1_000)]
    rows: usize,
    /// Core that each server runs on
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Measures only what has this in its name
    #[arg(long, default_value = "")]
    only: String,
    /// The `souk` to measure, for a comparison with another build
    #[arg(long, default_value = env!("CARGO_BIN_EXE_souk"))]
    souk: std::path::PathBuf,
    /// A PostgreSQL database to use instead of a fresh file
    #[arg(long)]
    database_url: Option<String>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// The child: the bare server, with answers of this length
    #[arg(long, hide = true)]
    bare: Option<usize>,
}

/// What is asked.
#[derive(Clone, Copy)]
enum Call {
    Me,
    Request,
    Requests,
    Offer,
    Offers,
}

impl Call {
    /// Offers are listed after some have been made.
    const ALL: [Self; 5] = [Self::Me, Self::Request, Self::Requests, Self::Offer, Self::Offers];

    fn name(self) -> &'static str {
        match self {
            Self::Me => "GET /auth/me",
            Self::Request => "GET /requests/{id}",
            Self::Requests => "GET /requests",
            Self::Offer => "POST /requests/{id}/offers",
            Self::Offers => "GET /offers",
        }
    }

    /// Method, address and body of the client's `number`th call.
    fn request(self, requests: &[RequestId], number: usize) -> (&'static str, String, &'static str) {
        let id = requests[number % requests.len()];
        match self {
            Self::Me => ("GET", "/auth/me".to_owned(), ""),
            Self::Request => ("GET", format!("/requests/{id}"), ""),
            Self::Requests => ("GET", "/requests".to_owned(), ""),
            Self::Offers => ("GET", "/offers".to_owned(), ""),
            Self::Offer => (
                "POST",
                format!("/requests/{id}/offers"),
                r#"{"price":{"amount":9000,"currency":"EUR"},"message":"In March, at nine?","slot":{"start":"2035-03-01T09:00:00Z","end":"2035-03-01T10:00:00Z"}}"#,
            ),
        }
    }
}

fn main() {
    souk::server::allow_many_files().unwrap();
    let options = Options::parse();
    if let Some(length) = options.bare {
        return bare::serve(length);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&options));
}

async fn measure(options: &Options) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("souk.db");
    let database = options.database_url.as_deref().unwrap_or(file.to_str().unwrap());
    let (providers, requests) = settle(database, options).await;
    let souk = Server::souk(&options.souk, options.core, database);
    let seconds = Duration::from_secs_f64(options.seconds);
    println!("                               requests/s   CPU µs each   p50/p99 ms   bytes");
    for call in Call::ALL.into_iter().filter(|call| call.name().contains(&options.only)) {
        println!("{}", call.name());
        let (clients, length) = connect(&souk, call, &providers, &requests).await;
        let of_souk = drive(&souk, call, clients, &requests, seconds).await;
        of_souk.print("souk", length);
        let bare = Server::baseline(options.core, &["--bare", &length.to_string()]);
        let (clients, _) = connect(&bare, call, &providers, &requests).await;
        let of_bare = drive(&bare, call, clients, &requests, seconds).await;
        of_bare.print("bare", length);
        println!("  souk to bare: {:.2} times the CPU", of_souk.cpu_each() / of_bare.cpu_each());
    }
}

/// Providers, and requests that they may offer on.
async fn settle(database: &str, options: &Options) -> (Vec<Person>, Vec<RequestId>) {
    let marketplace = Marketplace::open(database);
    let consumers = marketplace.people(Role::Consumer, options.rows.div_ceil(BATCH)).await;
    let mut requests = Vec::with_capacity(options.rows);
    for consumer in consumers {
        let count = BATCH.min(options.rows - requests.len());
        let opened = marketplace.db.write(move |uow| {
            (0..count).map(|_| open_request(uow, &consumer.scope)).collect::<Result<Vec<_>, _>>()
        });
        requests.extend(opened.await.unwrap());
    }
    let providers = marketplace.people(Role::Provider, options.connections).await;
    marketplace.close().await;
    (providers, requests)
}

struct Client {
    connection: Connection,
    token: String,
    /// Calls made. Of offers: those on the first so many requests, at most one on each.
    made: usize,
}

/// Connects everybody; each makes one call that is not measured. Also returns the length of its answer's body.
async fn connect(
    server: &Server,
    call: Call,
    providers: &[Person],
    requests: &[RequestId],
) -> (Vec<Client>, usize) {
    let (mut clients, mut length) = (Vec::new(), 0);
    for provider in providers {
        let connection = Connection::open(server.address).await;
        let mut client = Client { connection, token: provider.token.clone(), made: 0 };
        length = client.call(call, requests).await.length;
        clients.push(client);
    }
    (clients, length)
}

impl Client {
    async fn call(&mut self, call: Call, requests: &[RequestId]) -> Answer {
        let (method, path, body) = call.request(requests, self.made);
        self.made += 1;
        let answer = self.connection.request(method, &path, &self.token, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.status);
        answer
    }
}

struct Measured {
    elapsed: Duration,
    cpu: Duration,
    /// How long each answer took, the shortest first.
    waits: Vec<Duration>,
}

async fn drive(
    server: &Server,
    call: Call,
    clients: Vec<Client>,
    requests: &[RequestId],
    length: Duration,
) -> Measured {
    // A provider offers once on a request.
    let most = if matches!(call, Call::Offer) { requests.len() } else { usize::MAX };
    let (began, cpu) = (Instant::now(), server.cpu());
    let running = clients.into_iter().map(|mut client| async move {
        let mut waits = Vec::new();
        while began.elapsed() < length && client.made < most {
            let asked = Instant::now();
            client.call(call, requests).await;
            waits.push(asked.elapsed());
        }
        waits
    });
    let mut waits = futures_util::future::join_all(running).await.concat();
    waits.sort_unstable();
    Measured { elapsed: began.elapsed(), cpu: server.cpu() - cpu, waits }
}

impl Measured {
    /// Microseconds of the server's CPU per request.
    fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.waits.len() as f64
    }

    fn print(&self, name: &str, length: usize) {
        let count = self.waits.len();
        let at = |percent: usize| self.waits[(count * percent / 100).min(count - 1)].as_secs_f64() * 1e3;
        println!(
            "  {name:<28} {:>10.0} {:>13.1} {:>6.2}/{:<6.2} {length}",
            count as f64 / self.elapsed.as_secs_f64(),
            self.cpu_each(),
            at(50),
            at(99),
        );
    }
}
