//! A server in this process.

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

use super::{Client, Engine};

/// No test takes longer; one that does hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// The secret of every test server: tests may sign tokens of their own with it.
pub const JWT_SECRET: &str = "6f1d0c5be2a94783b1a7c9d2e4f60811";

/// A running server and what tests may do to it. Its fields are the test-only doors; the front door is `anyone()` and
/// the cast.
pub struct TestApp {
    /// Where it listens.
    pub address: SocketAddr,
    /// On what.
    pub engine: Engine,
    /// Its clock, to set ahead.
    pub clock: Clock,
    /// Its insides.
    pub server: App,
    stop: RefCell<Option<oneshot::Sender<Stop>>>,
}

/// Runs `test` against a server of its own on a fresh database of `engine`, started with `flags`; stops it at the end,
/// whatever the end is.
pub fn run(engine: Engine, flags: &[&str], test: impl AsyncFnOnce(&TestApp)) {
    let Some(database) = engine.database() else { return };
    // `SOUK_LOG_FILTER=debug cargo test ..` shows what the servers say.
    if let Some(filter) = std::env::var_os("SOUK_LOG_FILTER") {
        logging::init(logging::Format::Text, &filter.to_string_lossy());
    }
    let system = actix_web::rt::System::new();
    system.block_on(async {
        let url = database.url();
        let own = ["--bind=127.0.0.1:0", "--workers=2", "--jwt-secret", JWT_SECRET, "--database-url", &url];
        let settings = Settings::given(own.iter().chain(flags).copied()).unwrap();
        let clock = Clock::movable();
        let server = server::build(settings.into_config().unwrap(), clock.clone()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let app = TestApp {
            address: server.address(),
            engine,
            clock,
            server: server.app().clone(),
            stop: RefCell::new(Some(stop)),
        };
        let how = async { stopped.await.unwrap_or(Stop::Immediate) };
        let serving = actix_web::rt::spawn(server.run_until_stopped(how));
        let testing = tokio::time::timeout(LIMIT, test(&app));
        let outcome = AssertUnwindSafe(testing).catch_unwind().await;
        drop(app);
        let served = serving.await.unwrap();
        match outcome {
            Err(panic) => resume_unwind(panic),
            Ok(Err(_)) => panic!("the test hangs"),
            Ok(Ok(())) => served.expect("the server stops well"),
        }
    });
    // The hub's own thread ends with the system.
    actix_web::rt::System::current().stop();
    system.run().unwrap();
}

impl TestApp {
    /// A caller without a token.
    pub fn anyone(&self) -> Client {
        Client::new(self.address, None)
    }

    /// A caller with this token.
    pub fn with_token(&self, token: &str) -> Client {
        Client::new(self.address, Some(token.to_owned()))
    }

    /// Tells the server to stop, as SIGTERM would. It does so while the test goes on.
    pub fn stop_gracefully(&self) {
        if let Some(stop) = self.stop.borrow_mut().take() {
            let _ = stop.send(Stop::Graceful);
        }
    }
}
