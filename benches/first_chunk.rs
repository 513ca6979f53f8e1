//! Time from `reflect` to the first chunk of a reflection at the client, beside the generator's own time to its
//! first piece, on the same entries in the same run.
//!
//! `cargo bench --bench first_chunk [-- --entries 500]`. The server is `souk serve` in a process of its own on a
//! fresh SQLite file, with the embedded generator. Machines are noisy: only the differences within one run are
//! meaningful.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    dead_code,
    reason = "a program for people at a terminal, which uses a part of the modules that it shares"
)]

#[path = "revocation/figures.rs"]
mod figures;
#[path = "revocation/server.rs"]
mod server;
#[path = "revocation/socket.rs"]
mod socket;

use std::time::Instant;

use clap::Parser;
use futures_util::StreamExt;
use prometheus::Registry;
use serde_json::{Value, json};
use souk::clock::Clock;
use souk::config::Settings;
use souk::generation::{Options, Prompt};

use figures::Figures;
use server::Server;
use socket::Socket;

#[derive(Parser)]
struct Arguments {
    /// Entries that are reflected on, one after the other
    #[arg(long, default_value_t = 500)]
    entries: usize,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments = Arguments::parse();
    actix_web::rt::System::new().block_on(measure(arguments.entries));
}

/// About 900 characters, no two entries alike.
fn entry(number: usize) -> String {
    let sentences = [
        "The tap still drips.",
        "I was angry with the plumber, and then with myself.",
        "I had not called him back in time, although he had left two messages.",
        "Tomorrow I will call him first thing in the morning, before work.",
        "What helps me is to write down three things that went well.",
    ];
    let day = |i: usize| format!("Day {}: {}", number * 7 + i, sentences[(number + i) % sentences.len()]);
    (0..14).map(day).collect::<Vec<_>>().join(" ")
}

async fn measure(entries: usize) {
    let mut own = Figures::default();
    let config = Settings::given(["--generator=extractive"]).unwrap().into_config().unwrap();
    let generator = souk::generation::open(&config.generation, &Clock::system(), &Registry::new()).unwrap().0;
    for number in 0..entries {
        let prompt = Prompt::Reflection { title: None, text: entry(number) };
        let began = Instant::now();
        let mut pieces = generator.generate(prompt, Options::default());
        pieces.next().await.unwrap().unwrap();
        own.add_time(began.elapsed());
    }

    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path().join("souk.db").to_str().unwrap());
    let person = json!({
        "email": "ana@example.com", "password": "correct horse battery", "display_name": "Ana", "role": "consumer",
    });
    let post = reqwest::Method::POST;
    let registered = server.call(post.clone(), "/auth/register", "", person).await;
    let token = registered["access_token"].as_str().unwrap();
    let mut socket = Socket::connect(server.address, Some(&format!("Authorization: Bearer {token}"))).await;
    let (mut first, mut done) = (Figures::default(), Figures::default());
    for number in 0..entries {
        let created = server.call(post.clone(), "/entries", token, json!({"text": entry(number)})).await;
        let reflect = json!({"type": "reflect", "id": number, "entry_id": created["id"]});
        let began = Instant::now();
        socket.write(1, reflect.to_string().as_bytes()).await;
        heard(&mut socket, "chunk").await;
        first.add_time(began.elapsed());
        heard(&mut socket, "done").await;
        done.add_time(began.elapsed());
        let leave = json!({"type": "leave", "room": format!("entry:{}", created["id"].as_str().unwrap())});
        socket.write(1, leave.to_string().as_bytes()).await;
    }
    println!("{entries} entries, one after the other");
    println!("the generator's first piece       {}", own.in_ms());
    println!("reflect to the first chunk        {}", first.in_ms());
    println!("reflect to done, which is stored  {}", done.in_ms());
}

/// Waits for a notice of this type.
async fn heard(socket: &mut Socket, kind: &str) {
    loop {
        let (opcode, payload) = socket.frame().await.expect("a notice");
        if opcode == 9 {
            socket.write(10, &payload).await;
        }
        let notice: Value = serde_json::from_slice(&payload).unwrap_or_default();
        assert_ne!(notice["type"], "error", "{notice}");
        if notice["type"] == kind {
            return;
        }
    }
}
