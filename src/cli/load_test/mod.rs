//! `souk load`: a load test of a server that has a load-test secret.

mod client;
mod report;
mod run;

use std::time::Duration;

use url::Url;

use crate::config::load_test::LoadTestSettings;
use crate::config::value;
use crate::server;

use self::client::Target;
use self::run::Load;

/// What `souk load` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The server, as ws:// or http://
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8000")]
    url: Url,

    /// Sessions to open; the server needs --connections-per-address to allow them
    #[arg(long, value_name = "COUNT", default_value = "1000", value_parser = value::count::<u32>)]
    sessions: u32,

    /// Concurrent handshakes; the server refuses more than its --unauthenticated-per-address
    #[arg(long, value_name = "COUNT", default_value = "32", value_parser = value::count::<u32>)]
    at_once: u32,

    /// Sessions in each room
    #[arg(long, value_name = "COUNT", default_value = "10", value_parser = value::count::<u32>)]
    room_size: u32,

    /// How long to send traffic once all sessions are open
    #[arg(long = "for", value_name = "DURATION", default_value = "10s", value_parser = value::duration)]
    period: Duration,

    /// Interval at which each session sends `typing` to its room and `ping` to the server
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = value::duration)]
    every: Duration,

    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    secret: LoadTestSettings,
}

/// Prints the measurements; fails if any session failed.
#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
pub(super) fn run(options: Options) -> Result<(), super::Failed> {
    let Options { url, sessions, at_once, room_size, period, every, json, secret } = options;
    let secret = secret.secret()?.ok_or("--load-test-secret (SOUK_LOAD_TEST_SECRET): give the server's")?;
    let target = Target::new(&url, secret).map_err(|error| format!("--url {error}"))?;
    server::allow_many_files()?;
    let every = every.max(Duration::from_millis(1));
    let load = Load { target, sessions, at_once, room_size, period, every };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(run::run(load));
    match json {
        true => println!("{}", serde_json::to_string(&report)?),
        false => println!("{report}"),
    }
    match report.failed.values().sum::<usize>() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {sessions} sessions failed").into()),
    }
}
