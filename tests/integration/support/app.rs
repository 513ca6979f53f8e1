//! A server in this process, on a free port.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures_util::FutureExt;
use souk::app::App;
use souk::clock::Clock;
use souk::config::Settings;
use souk::server::{self, Stop};
use souk::telemetry::logging;
use tokio::sync::oneshot;

use super::{Client, Database, Engine};

/// Time limit of a test; one that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(300);

/// The signing secret of every test server, so that tests can sign tokens of their own.
pub const JWT_SECRET: &str = "6f1d0c5be2a94783b1a7c9d2e4f60811";

/// The key that seals the journals of every test server.
pub const JOURNAL_KEY: &str = "8c1f5d20b7e94a63f08d3c6a91b2e57d4f60a8c3d17b92e5064f8ad1c7e3b950";

/// The key as flags, unless `flags` say which.
pub(super) fn journal_key(flags: &[&str]) -> &'static [&'static str] {
    match flags.iter().any(|flag| flag.starts_with("--journal-key")) {
        true => &[],
        false => &["--journal-key", JOURNAL_KEY],
    }
}

/// A running server and a test's access to it. The fields give access to its internals; over the network it
/// is reached through `anyone()` and the cast.
pub struct TestApp {
    /// The address it listens on.
    pub address: SocketAddr,
    /// The database engine it runs on.
    pub engine: Engine,
    /// Where its database is.
    pub database_url: String,
    /// Its clock, which tests may advance.
    pub clock: Clock,
    /// The application itself.
    pub server: App,
    stop: RefCell<Option<oneshot::Sender<Stop>>>,
}

/// Runs `test` against a new server on a fresh database of `engine`, started with `flags`; stops the server
/// whatever the result.
pub fn run(engine: Engine, flags: &[&str], test: impl AsyncFnOnce(&TestApp)) {
    if let Some(database) = engine.database() {
        run_on(&database, flags, LIMIT, test);
    }
}

/// As [`run`], on a database that may have rows already, within `limit`.
pub fn run_on(database: &Database, flags: &[&str], limit: Duration, test: impl AsyncFnOnce(&TestApp)) {
    // `SOUK_LOG_FILTER=debug cargo test ..` shows the servers' logs.
    if let Some(filter) = std::env::var_os("SOUK_LOG_FILTER") {
        logging::init(logging::Format::Text, &filter.to_string_lossy());
    }
    let system = actix_web::rt::System::new();
    system.block_on(async {
        let url = database.url();
        let own = ["--bind=127.0.0.1:0", "--workers=2", "--jwt-secret", JWT_SECRET, "--database-url", &url];
        let settings = Settings::given(own.iter().chain(journal_key(flags)).chain(flags).copied()).unwrap();
        let clock = Clock::movable();
        let server = server::build(settings.into_config().unwrap(), clock.clone()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let app = TestApp {
            address: server.address(),
            engine: database.engine(),
            database_url: url.clone(),
            clock,
            server: server.app().clone(),
            stop: RefCell::new(Some(stop)),
        };
        let how = async { stopped.await.unwrap_or(Stop::Immediate) };
        let serving = actix_web::rt::spawn(server.run_until_stopped(how));
        let testing = tokio::time::timeout(limit, test(&app));
        let outcome = AssertUnwindSafe(testing).catch_unwind().await;
        drop(app);
        let served = serving.await.unwrap();
        match outcome {
            Err(panic) => resume_unwind(panic),
            Ok(Err(_)) => panic!("the test hangs"),
            Ok(Ok(())) => served.expect("the server stops well"),
        }
    });
    // The hub's thread ends with the actix system.
    actix_web::rt::System::current().stop();
    system.run().unwrap();
}

impl TestApp {
    /// A client without a token.
    pub fn anyone(&self) -> Client {
        Client::new(self.address, None)
    }

    /// A client with this token.
    pub fn with_token(&self, token: &str) -> Client {
        Client::new(self.address, Some(token.to_owned()))
    }

    /// Starts a graceful shutdown, as SIGTERM would, while the test continues.
    pub fn stop_gracefully(&self) {
        if let Some(stop) = self.stop.borrow_mut().take() {
            let _ = stop.send(Stop::Graceful);
        }
    }
}
