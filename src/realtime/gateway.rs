//! The state that all live connections of the process share.

use std::net::IpAddr;
use std::sync::Arc;

use crate::app::App;
use crate::config::Config;
use crate::config::dashboard::NOT_OPEN_TO_ADDRESS;
use crate::domain::users::Plan;
use crate::hub::OutboxLimits;
use crate::protocol::engineio::PayloadLimits;

use super::admission::{AddressLimiter, AddressLimits};
use super::engineio::{Engine, EngineLimits};
use super::limits::{ReplayLimits, SessionLimits};
use super::metrics::{self, RealtimeMetrics};
use super::websocket::{ConnectionLimits, FrameLimits};

/// The shared state of live connections. Cheap to clone: each worker thread holds its own copy.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Inner>);

struct Inner {
    app: App,
    addresses: AddressLimiter,
    metrics: RealtimeMetrics,
    engine: Engine,
}

impl Gateway {
    /// Creates the state and registers its metrics.
    ///
    /// # Errors
    /// Only if a metric of the same name is registered already.
    pub(crate) fn new(app: App) -> prometheus::Result<Self> {
        let config = &app.config.realtime;
        let limits = AddressLimits {
            pending: config.unauthenticated_per_address,
            sessions: config.connections_per_address,
        };
        let metrics = RealtimeMetrics::new(app.metrics.registry())?;
        let engine = Engine::new(engine_limits(&app.config));
        let addresses = AddressLimiter::new(limits);
        metrics::watch(app.metrics.registry(), &addresses, &engine)?;
        Ok(Self(Arc::new(Inner { addresses, metrics, engine, app })))
    }

    /// The components that the whole process shares.
    pub(super) fn app(&self) -> &App {
        &self.0.app
    }

    /// The metrics of live connections.
    pub(super) fn metrics(&self) -> &RealtimeMetrics {
        &self.0.metrics
    }

    /// The number of connections of each address.
    pub(super) fn addresses(&self) -> &AddressLimiter {
        &self.0.addresses
    }

    /// The Engine.IO connections of `/socket.io/`.
    pub(super) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Refuses administration to an address that it is not open to; the error is what its client is told.
    pub(super) fn check_admin_address(&self, address: IpAddr) -> Result<(), &'static str> {
        let is_open = self.0.app.config.dashboard.admits(address);
        if is_open { Ok(()) } else { Err(NOT_OPEN_TO_ADDRESS) }
    }

    pub(super) fn connection_limits(&self) -> ConnectionLimits {
        connection_limits(&self.0.app.config)
    }

    pub(super) fn replay_limits(&self) -> ReplayLimits {
        let config = &self.0.app.config.realtime;
        ReplayLimits { events: config.replay_max, bytes: config.outbox_soft / 2 }
    }

    pub(super) fn session_limits(&self, plan: Plan) -> SessionLimits {
        let config = &self.0.app.config.realtime;
        SessionLimits {
            plan: self.0.app.limits(plan),
            malformed: config.malformed_per_minute,
            token_warning: config.token_warning,
            token_grace: config.token_grace,
        }
    }
}

fn connection_limits(config: &Config) -> ConnectionLimits {
    let config = &config.realtime;
    ConnectionLimits {
        frames: FrameLimits {
            frame: config.frame_max,
            message: config.message_max,
            fragments: config.fragments_max,
        },
        outbox: OutboxLimits { soft: config.outbox_soft, hard: config.outbox_hard },
        close_timeout: config.eviction_grace,
    }
}

fn engine_limits(config: &Config) -> EngineLimits {
    let realtime = &config.realtime;
    EngineLimits {
        ping_interval: realtime.heartbeat_interval,
        ping_timeout: realtime.ping_timeout,
        max_payload: realtime.payload_max,
        payload: PayloadLimits { packets: realtime.packets_max, message: realtime.message_max },
        upgrade_timeout: config.server.handshake_timeout,
        connection: connection_limits(config),
    }
}
