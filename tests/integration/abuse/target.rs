//! A server to abuse, which must return to its initial state afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::support::{Client, Database, Engine, Person, Process, Raw, SocketIo};

/// Gauges that must return to their initial values: sessions, their permits, and pending connections.
const LIVE: [&str; 7] = [
    "souk_realtime_connections",
    "souk_realtime_unauthenticated",
    "souk_realtime_engineio_connections",
    "souk_realtime_engineio_polling",
    "souk_hub_sessions",
    "souk_hub_rooms",
    "souk_hub_memberships",
];

/// How long returning to the initial state may take.
const RECOVERY: Duration = Duration::from_secs(60);

/// Tolerance for the sockets of the test's own requests.
const SOCKETS: usize = 4;

/// Limits short enough for tests, and otherwise high enough not to interfere.
const FLAGS: [&str; 6] = [
    "--free-messages=10000",
    "--free-connections=3000",
    "--connections-per-address=4000",
    "--anonymous-requests=1000000",
    "--eviction-grace=1s",
    "--log-filter=error,souk::server=info",
];

/// Fewer unauthenticated connections than one address may open.
const AT_ONCE: usize = 30;

/// A server under abuse.
pub(super) struct Target {
    process: Process,
    /// Declared after the process, so that it is dropped before its files are removed.
    _database: Database,
    before: Before,
}

struct Before {
    live: BTreeMap<String, u64>,
    sockets: usize,
    resident: u64,
}

/// Opens this many live connections, a few at a time.
pub(super) async fn crowd<F: Future>(count: usize, connect: impl Fn(usize) -> F) -> Vec<F::Output> {
    stream::iter((0..count).map(connect)).buffered(AT_ONCE).collect().await
}

impl Target {
    /// Starts it with additional flags, warms it up, and records its initial state.
    pub(super) async fn start(flags: &[&str]) -> Self {
        let database = Engine::Sqlite.database().unwrap();
        let flags: Vec<_> = FLAGS.iter().chain(flags).copied().collect();
        let process = Process::start("127.0.0.1:0", &database.url(), &flags);
        let before = Before { live: BTreeMap::new(), sockets: 0, resident: 0 };
        let mut target = Self { process, _database: database, before };
        target.warm_up().await;
        target.before = target.settled().await;
        target
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.process.address
    }

    pub(super) async fn consumer(&self, name: &str) -> Person {
        Person::register(&self.anyone(), name, "consumer").await
    }

    pub(super) async fn provider(&self, name: &str) -> Person {
        Person::register(&self.anyone(), name, "provider").await
    }

    pub(super) fn anyone(&self) -> Client {
        self.process.client(None).without_keep_alive()
    }

    /// Value of one of its metrics.
    pub(super) async fn count(&self, name: &str) -> u64 {
        self.counts().await.get(name).copied().unwrap_or(0)
    }

    /// Its resident memory in bytes.
    pub(super) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix("kB").unwrap().trim().parse::<u64>().unwrap() * 1024
    }

    /// Number of its distinct sockets; several handles may refer to one.
    fn sockets(&self) -> usize {
        let handles = std::fs::read_dir(format!("/proc/{}/fd", self.process.pid())).unwrap();
        let links = handles.filter_map(|handle| std::fs::read_link(handle.ok()?.path()).ok());
        let sockets = links.filter(|link| link.to_string_lossy().starts_with("socket:"));
        sockets.collect::<BTreeSet<_>>().len()
    }

    /// Number of its open files.
    pub(super) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.pid())).unwrap().count()
    }

    /// Checks that it answers at once and returns to its initial state in time, then stops it.
    pub(super) async fn assert_recovers(self) {
        let asked = tokio::time::timeout(Duration::from_secs(1), self.anyone().get("/healthz").into_future());
        assert_eq!(asked.await.expect("/healthz within a second").status, 200);
        let began = Instant::now();
        while let Err(left) = self.is_as_before().await {
            assert!(began.elapsed() < RECOVERY, "after a minute {left}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(self.process.terminate().success());
    }

    async fn is_as_before(&self) -> Result<(), String> {
        let Before { live, sockets, resident } = &self.before;
        let now = self.counts().await;
        for (name, before) in live {
            if now.get(name) != Some(before) {
                return Err(format!("{name} is {:?} and was {before}", now.get(name)));
            }
        }
        let open = self.sockets();
        if open > sockets + SOCKETS {
            return Err(format!("{open} sockets are open and {sockets} were"));
        }
        match self.resident() {
            held if held * 5 > resident * 6 => Err(format!("{held} bytes are held and {resident} were")),
            _ => Ok(()),
        }
    }

    /// Makes it allocate what a server allocates once: allocator arenas, prepared statements, threads.
    async fn warm_up(&self) {
        let somebody = self.consumer("somebody").await;
        let join = json!({"type": "join", "room": format!("user:{}", somebody.id)});
        for _ in 0..3 {
            let sessions = crowd(100, |_| somebody.live()).await;
            join_all(sessions.into_iter().map(async |mut socket| {
                socket.ack(join.clone()).await;
                socket.close().await;
            }))
            .await;
            let token = somebody.token().unwrap();
            drop(join_all((0..20).map(|_| SocketIo::connect(self.address(), token))).await);
            let strangers = join_all((0..20).map(|_| Raw::open(self.address(), "/ws"))).await;
            join_all(strangers.into_iter().map(async |mut raw| raw.closed().await)).await;
        }
    }

    /// Its state once no client is connected.
    async fn settled(&self) -> Before {
        let began = Instant::now();
        loop {
            let counts = self.counts().await;
            let live: BTreeMap<_, _> = LIVE.iter().map(|name| ((*name).to_owned(), counts[*name])).collect();
            if live.values().all(|count| *count == 0) {
                return Before { live, sockets: self.sockets(), resident: self.resident() };
            }
            assert!(began.elapsed() < RECOVERY, "somebody is left: {live:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn counts(&self) -> BTreeMap<String, u64> {
        let text = self.anyone().get("/metrics").await.text;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let counts = lines.filter_map(|line| {
            let (name, count) = line.rsplit_once(' ')?;
            Some((name.to_owned(), count.parse::<u64>().ok()?))
        });
        counts.collect()
    }
}
