//! The cost of REST: CPU time of a real server for one request, and how long clients wait, with 64 connections that are
//! kept alive, each of a provider of its own who asks again once the answer is there.
//!
//! `cargo bench --bench rest [-- --seconds 3 --rows 1000]`; with `--wrk`, wrk is the client. In the same run the same
//! requests are made to a bare web server on the same crate, which reads the request and answers with as many bytes that
//! it has at hand: only the ratio of the two, and CPU per request, carry over to other machines.
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
#[path = "rest/wrk.rs"]
mod wrk;

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
    /// Lets wrk, which must be installed, be the client
    #[arg(long)]
    wrk: bool,
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
    println!("                               requests/s   CPU µs each   p50/p99 ms   bytes");
    for call in Call::ALL.into_iter().filter(|call| call.name().contains(&options.only)) {
        println!("{}", call.name());
        let (of_souk, length) = drive(&souk, call, &providers, &requests, options).await;
        of_souk.print("souk", length);
        let bare = Server::baseline(options.core, &["--bare", &length.to_string()]);
        let (of_bare, _) = drive(&bare, call, &providers, &requests, options).await;
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
    count: usize,
    elapsed: Duration,
    cpu: Duration,
    /// How long half of the answers took at most, and all but a hundredth, in milliseconds.
    p50: f64,
    p99: f64,
}

/// Measures the calls of all providers; also returns the length of an answer's body.
async fn drive(
    server: &Server,
    call: Call,
    providers: &[Person],
    requests: &[RequestId],
    options: &Options,
) -> (Measured, usize) {
    if options.wrk {
        return drive_by_wrk(server, call, providers, requests, options).await;
    }
    let (clients, length) = connect(server, call, providers, requests).await;
    let seconds = Duration::from_secs_f64(options.seconds);
    // A provider offers once on a request.
    let most = if matches!(call, Call::Offer) { requests.len() } else { usize::MAX };
    let (began, cpu) = (Instant::now(), server.cpu());
    let running = clients.into_iter().map(|mut client| async move {
        let mut waits = Vec::new();
        while began.elapsed() < seconds && client.made < most {
            let asked = Instant::now();
            client.call(call, requests).await;
            waits.push(asked.elapsed());
        }
        waits
    });
    let mut waits = futures_util::future::join_all(running).await.concat();
    let (elapsed, cpu) = (began.elapsed(), server.cpu() - cpu);
    waits.sort_unstable();
    let count = waits.len();
    let at = |percent: usize| waits[(count * percent / 100).min(count - 1)].as_secs_f64() * 1e3;
    (Measured { count, elapsed, cpu, p50: at(50), p99: at(99) }, length)
}

async fn drive_by_wrk(
    server: &Server,
    call: Call,
    providers: &[Person],
    requests: &[RequestId],
    options: &Options,
) -> (Measured, usize) {
    let (_, length) = connect(server, call, providers, requests).await;
    let (method, _, body) = call.request(requests, 0);
    // The first was called already, to connect.
    let paths = (1..requests.len()).map(|number| call.request(requests, number).1).collect();
    let tokens = providers.iter().map(|provider| provider.token.as_str()).collect();
    let calls = wrk::Calls { method, paths, tokens, body };
    let cpu = server.cpu();
    let wrk::Report { requests: count, seconds, p50, p99, .. } =
        wrk::run(server.address, options.connections, options.seconds, &calls);
    let cpu = server.cpu() - cpu;
    (Measured { count, elapsed: Duration::from_secs_f64(seconds), cpu, p50, p99 }, length)
}

impl Measured {
    /// Microseconds of the server's CPU per request.
    fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.count as f64
    }

    fn print(&self, name: &str, length: usize) {
        println!(
            "  {name:<28} {:>10.0} {:>13.1} {:>6.2}/{:<6.2} {length}",
            self.count as f64 / self.elapsed.as_secs_f64(),
            self.cpu_each(),
            self.p50,
            self.p99,
        );
    }
}
