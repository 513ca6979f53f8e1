//! From a configuration to a running server, until it is stopped.
//!
//! Start order: first the port (so that a taken one is noticed before the database is touched), then the
//! database with its migrations, then the components that need it, then the workers. Stop order is the
//! reverse: `/readyz` fails and joins are refused, live sessions are notified and closed, requests in flight
//! are answered, pending writes are committed.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::Server as HttpServer;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::Data;
use socket2::{Domain, Protocol, Socket, Type};

use crate::app::{App, NodeStatus, Stopping};
use crate::auth::{Auth, Invalidations, SetUpError};
use crate::bus::{Bus, BusError, BusMetrics};
use crate::clock::Clock;
use crate::config::{Config, DatabaseUrl, Environment, ServerConfig};
use crate::db::{Db, Maintenance, OpenError, Tail, TailError};
use crate::domain::conversations::messages::ContextBudget;
use crate::domain::users;
use crate::generation;
use crate::http::connection::{ServeOptions, SocketOptions, Timeouts, serve};
use crate::http::{self, middleware};
use crate::hub::{BoardClients, Closing, HubHandle, HubMetrics, HubPublisher};
use crate::jobs::{Answers, Masterplans, Reflections, Simulations, Writer};
use crate::limits::CallerLimits;
use crate::nodes::Nodes;
use crate::realtime;
use crate::realtime::Gateway;
use crate::telemetry::{Metrics, Rounds, SweepFailures};

use super::bus::{self, BusLink};
use super::journal::{self, JournalError};
use super::options::{db_config, drain_plan};
use super::{heartbeat, metrics_feed, progress, recorder_feed, retention, scheduler, service_manager, tail};

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Binding the address failed.
    #[error("cannot listen on {address}: {cause}")]
    Bind {
        /// The configured address.
        address: SocketAddr,
        /// The system's error.
        cause: io::Error,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// What other processes commit cannot be followed.
    #[error("cannot follow the commits of the database: {0}")]
    Tail(#[from] TailError),
    /// The address of Redis cannot be used.
    #[error("cannot use --redis-url (REDIS_URL): {0}")]
    Bus(#[from] BusError),
    /// The journals are sealed with another key, or cannot be sealed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The keys or the outside issuers are unusable.
    #[error(transparent)]
    Auth(#[from] SetUpError),
    /// The text generator cannot be set up.
    #[error(transparent)]
    Generation(#[from] generation::SetUpError),
    /// A metric of the same name is registered already.
    #[error("cannot register the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The worker threads cannot be started.
    #[error("cannot start the workers: {0}")]
    Workers(#[source] io::Error),
}

/// A server that is listening; [`Server::run_until_stopped`] serves and stops it.
pub struct Server {
    app: App,
    address: SocketAddr,
    http: HttpServer,
    metrics: Option<MetricsServer>,
    tail: Option<Tail>,
    bus: Option<BusLink>,
}

/// The server for `/metrics` on its own address.
struct MetricsServer {
    address: SocketAddr,
    http: HttpServer,
}

/// Builds every component in start order. Blocks while the database opens and migrates; needs an actix
/// `System`.
pub fn build(config: Config, clock: Clock) -> Result<Server, StartError> {
    let options = serve_options(&config);
    let (listener, address) = listen(config.server.bind)?;
    let metrics_listener = config.metrics.bind.map(listen).transpose()?;
    if config.env == Environment::Production && config.metrics.is_open() {
        log::warn!("whoever reaches the port may read /metrics: set --metrics-bind or --metrics-token");
    }
    if config.env == Environment::Production && config.generation.sends_in_plain_text() {
        log::warn!("what users write goes to --generator-url unencrypted: use https:// or a private network");
    }
    let metrics = Arc::new(Metrics::new()?);
    // Created first and bound last: the database publishes to the hub, and the hub reads from the database.
    let (publisher, outgoing) = match (&config.database.database_url, &config.bus.redis_url) {
        (DatabaseUrl::Sqlite(_), _) => (HubPublisher::new(), None),
        (DatabaseUrl::Postgres(_), None) => (HubPublisher::of_node(), None),
        (DatabaseUrl::Postgres(_), Some(_)) => {
            let bus_metrics = BusMetrics::new(metrics.registry())?;
            let (publisher, outgoing) = HubPublisher::with_bus(bus_metrics.backlogged());
            (publisher, Some((outgoing, bus_metrics)))
        }
    };
    let invalidations = Invalidations::default();
    let told = invalidations.before(publisher.clone());
    let prepare = |db: &mut Maintenance<'_>| Ok::<_, StartError>(journal::prepare(db, &config.journal)?);
    let (db, journal) = Db::open_after(&db_config(&config.database), clock.clone(), told, prepare)?;
    let tail = tail::start(&config.database, &db, clock.now())?;
    let bus = match (&config.bus.redis_url, outgoing, tail.as_ref().and_then(Tail::database)) {
        (Some(url), Some((outgoing, bus_metrics)), Some(database)) => {
            let bus = Bus::new(url, &database, db.node(), bus_metrics)?;
            Some(BusLink { bus, outgoing })
        }
        _ => None,
    };
    db.register_metrics(metrics.registry())?;
    let hub_metrics = HubMetrics::new(metrics.registry())?;
    let hub = HubHandle::start((&config.realtime).into(), hub_metrics, Arc::new(db.clone()), publisher);
    let auth = Auth::open(&config, db.clone(), clock.clone())?.following(invalidations.clone());
    auth.register_metrics(metrics.registry())?;
    let (generator, generation_slots) = generation::open(&config.generation, &clock, metrics.registry())?;
    let writer = Writer::new(Arc::clone(&generator), generation_slots.clone());
    let grace = config.generation.abandon_timeout;
    let reflections = Reflections::new(db.clone(), journal.clone(), clock.clone(), writer.clone(), grace);
    let budget = ContextBudget::new(config.generation.context_tokens);
    let answers = Answers::new(db.clone(), writer.clone(), grace, budget);
    let masterplans = Masterplans::new(db.clone(), writer);
    let threads = usize::from(config.server.simulation_threads);
    let simulations = Simulations::new(db.clone(), threads);
    let nodes = Nodes::new(&db);
    let app = App {
        generator,
        generation_slots,
        reflections,
        answers,
        masterplans,
        simulations,
        rates: Arc::new(CallerLimits::new(config.http.anonymous_requests, &clock)),
        config: Arc::new(config),
        clock,
        db,
        journal,
        auth: Arc::new(auth),
        invalidations,
        hub,
        board_clients: BoardClients::default(),
        bus: bus.as_ref().map(|link| link.bus.status()),
        sweeps: Arc::new(Rounds::default()),
        sweep_failures: Arc::new(SweepFailures::new(metrics.registry())?),
        metrics,
        node_status: NodeStatus::default(),
        nodes,
        stopping: Stopping::default(),
    };
    let gateway = Gateway::new(app.clone())?;
    let http = workers(app.clone(), gateway, listener, options).map_err(StartError::Workers)?;
    let metrics = metrics_listener.map(|(listener, address)| {
        let http = metrics_server(app.clone(), listener, options)?;
        Ok(MetricsServer { address, http })
    });
    let metrics = metrics.transpose().map_err(StartError::Workers)?;
    Ok(Server { app, address, http, metrics, tail, bus })
}

impl Server {
    /// The listening address, with the actual port even if port 0 was configured.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The state that all workers share.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Logs how to create an admin if there is none: without one, nobody can suspend or manage users.
    pub(crate) async fn tell_of_missing_admin(&self) {
        match self.app.db.read(users::repository::has_active_admin).await {
            Ok(true) => {}
            Ok(false) => {
                let place = match &self.app.config.database.database_url {
                    DatabaseUrl::Sqlite(path) => format!("--database-url {}", path.display()),
                    DatabaseUrl::Postgres(_) => "(with this server's DATABASE_URL)".to_owned(),
                };
                log::warn!(
                    "nobody is an active admin yet; to add one, run: \
                     souk user add --email you@example.com --name You --role admin {place}"
                );
            }
            Err(error) => log::warn!("cannot see whether there is an admin: {error}"),
        }
    }

    /// Serves until `stop` resolves to a way to stop; a graceful stop takes the stop timeout at most.
    pub async fn run_until_stopped(self, stop: impl Future<Output = Stop>) -> io::Result<()> {
        let Self { app, address, mut http, metrics, tail, bus } = self;
        let metrics = metrics.map(|metrics| {
            let address = metrics.address.to_string();
            log::info!(metrics_address = address.as_str(); "metrics on http://{address}/metrics");
            let handle = metrics.http.handle();
            actix_web::rt::spawn(metrics.http);
            handle
        });
        log::info!(address = address.to_string().as_str(); "listening on http://{address}");
        service_manager::tell_ready();
        actix_web::rt::spawn(service_manager::keep_watchdog());
        if let Some(link) = bus {
            actix_web::rt::spawn(bus::run(app.clone(), link));
        }
        let handle = http.handle();
        let stop = tokio::select! {
            ended = &mut http => return ended,
            stop = stop => stop,
            () = scheduler::run(&app) => Stop::Graceful,
            () = tail::run(&app, tail) => Stop::Graceful,
            () = heartbeat::run(&app) => Stop::Graceful,
            () = app.simulations.run() => Stop::Graceful,
            () = progress::run(&app) => Stop::Graceful,
            () = metrics_feed::run(&app) => Stop::Graceful,
            () = recorder_feed::run(&app) => Stop::Graceful,
            () = retention::run(&app) => Stop::Graceful,
        };
        log::info!("stopping");
        service_manager::tell_stopping();
        app.stopping.set();
        let limit = app.config.server.stop_timeout;
        let orderly = async {
            if stop == Stop::Graceful {
                let drained = app.hub.drain(drain_plan(&app, Closing::AfterCommand)).await;
                log::info!(sessions = drained.at_first, left = drained.left; "sessions were sent away");
            }
            // The server future does the stopping: the handle only requests it.
            let (ended, ()) = tokio::join!(http, handle.stop(stop == Stop::Graceful));
            heartbeat::leave(&app).await;
            app.db.close().await;
            if let Some(metrics) = metrics {
                metrics.stop(false).await;
            }
            ended
        };
        match tokio::time::timeout(limit, orderly).await {
            Ok(ended) => ended.inspect(|()| log::info!("stopped")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "did not stop in time")),
        }
    }
}

/// A way to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Sessions are notified, and requests in flight are answered.
    Graceful,
    /// Connections are closed at once. Pending writes are committed all the same.
    Immediate,
}

/// A future that resolves on a shutdown signal: SIGTERM from a service manager, SIGINT from a terminal.
///
/// The signal handlers are installed by this call, not by the first poll: a signal that arrives during
/// startup takes effect as soon as the server serves.
#[cfg(unix)]
pub(crate) fn shutdown_signal() -> io::Result<impl Future<Output = Stop>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        Stop::Graceful
    })
}

/// A future that resolves on Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn shutdown_signal() -> io::Result<impl Future<Output = Stop>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Stop::Graceful
    })
}

/// Raises this process's limit on open files to the hard limit, and returns it. Each connection is a
/// descriptor, and the usual soft limit (1,024) exists for programs that use `select`.
///
/// # Errors
/// Those of the system; the limit is unchanged then.
pub fn allow_many_files() -> io::Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX)
}

/// Connections per worker: as configured, unless the limit on open files is lower. Were all others accepted, too, the
/// database could not open its files.
fn connections_per_worker(config: &Config) -> usize {
    let ServerConfig { workers, max_connections, .. } = config.server;
    let files = match allow_many_files() {
        Ok(files) => usize::try_from(files).unwrap_or(usize::MAX),
        Err(error) => {
            log::warn!("how many files may be open cannot be changed: {error}");
            return max_connections;
        }
    };
    let database = usize::try_from(config.database.database_connections).unwrap_or(usize::MAX);
    let others = database
        .saturating_mul(FILES_OF_A_DATABASE_CONNECTION)
        .saturating_add(FILES_OF_A_PROCESS)
        .saturating_add(workers.saturating_mul(http::connection::SURPLUS));
    let room = (files.saturating_sub(others) / workers).max(1);
    if room < max_connections {
        let connections = room.saturating_mul(workers);
        log::info!(files, connections; "so few files may be open that there may be so many connections");
    }
    room.min(max_connections)
}

/// Descriptors for event loops, listeners, the metrics' connections and everything else that is not a client's.
const FILES_OF_A_PROCESS: usize = 64 + METRICS_CONNECTIONS + http::connection::SURPLUS;

/// SQLite opens the database and its write-ahead log for each connection.
const FILES_OF_A_DATABASE_CONNECTION: usize = 4;

/// The listen backlog: many clients reconnect at once after a restart.
const BACKLOG: i32 = 4096;

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = || -> io::Result<(TcpListener, SocketAddr)> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A restarted server can bind the port while old connections are still in TIME_WAIT.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound().map_err(|cause| StartError::Bind { address, cause })
}

fn workers(
    app: App,
    gateway: Gateway,
    listener: TcpListener,
    options: ServeOptions,
) -> io::Result<HttpServer> {
    let description = http::routes::Description::new(&app.config)?;
    let dashboard = app.config.dashboard.is_on().then(http::dashboard::Dashboard::new);
    serve(listener, options, move || {
        actix_web::App::new()
            .app_data(Data::new(app.clone()))
            .app_data(Data::new(gateway.clone()))
            .wrap(from_fn(middleware::authenticate))
            .wrap(from_fn(middleware::refuse_surplus))
            .wrap(from_fn(middleware::limit_body_time))
            .wrap(from_fn(middleware::catch_panic))
            .wrap(middleware::cors(app.config.clone()))
            .wrap(from_fn(middleware::explain_cors))
            .wrap(from_fn(http::problem::render))
            .wrap(from_fn(middleware::spare_short))
            .wrap(Compress::default())
            .wrap(from_fn(middleware::call))
            .configure(http::health::configure)
            .configure(http::root::configure)
            .configure(|cfg| {
                if app.config.metrics.bind.is_none() {
                    http::metrics::configure(cfg);
                }
            })
            .configure(|cfg| {
                if let Some(dashboard) = &dashboard {
                    http::dashboard::configure(cfg, dashboard);
                }
            })
            .configure(|cfg| http::routes::configure(cfg, &description, realtime::routes))
    })
}

/// Maps the configuration to the web server's options.
fn serve_options(config: &Config) -> ServeOptions {
    let Config { server, realtime, .. } = config;
    ServeOptions {
        workers: server.workers,
        max_connections: connections_per_worker(config),
        stop_timeout: server.stop_timeout.mul_f64(0.3),
        timeouts: Timeouts {
            head: server.handshake_timeout,
            body: server.body_timeout,
            idle: server.keep_alive,
            write: server.write_timeout,
        },
        socket: SocketOptions {
            send_buffer: realtime.socket_send_buffer,
            user_timeout: realtime.tcp_user_timeout,
        },
    }
}

/// A server with one thread and one address, for metrics scrapers only.
fn metrics_server(app: App, listener: TcpListener, options: ServeOptions) -> io::Result<HttpServer> {
    let options = ServeOptions { workers: 1, max_connections: METRICS_CONNECTIONS, ..options };
    serve(listener, options, move || {
        actix_web::App::new()
            .app_data(Data::new(app.clone()))
            .wrap(from_fn(http::problem::render))
            .wrap(from_fn(middleware::spare_short))
            .wrap(Compress::default())
            .wrap(from_fn(middleware::call))
            .configure(http::metrics::configure)
    })
}

/// Connections to the metrics address: scrapers are few.
const METRICS_CONNECTIONS: usize = 64;
