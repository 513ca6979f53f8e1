//! Where live connections come in: the routes, and what all sessions need.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};

use super::admission::{self, Applicant};
use super::close::Endpoint;
use super::hub::OutboxLimits;
use super::metrics::RealtimeMetrics;
use super::protocol::Dialect;
use super::protocol::engineio::PayloadLimits;
use super::protocol::socketio::PacketLimits;
use super::session::{Opening, SessionActor, SessionLimits, Unauthenticated};
use super::socketio::{self, HallLimits, Lobby};
use super::transport::engineio::{Engine, EngineLimits, Received};
use super::transport::handshake::{Connection, Handshake};
use super::transport::{AddressLimits, Addresses, FrameLimits, LinkLimits};
use crate::app::App;
use crate::config::{Config, PlanLimits};
use crate::http::{Problem, client_address};
use crate::ids::{CallId, ConnectionId};

/// Shared by every worker thread; cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    app: App,
    addresses: Addresses,
    metrics: RealtimeMetrics,
    engine: Engine,
}

/// What a client is sent of the log at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReplayLimits {
    /// Events.
    pub(super) events: usize,
    /// Their bytes, roughly: well under what an outbox takes.
    pub(super) bytes: usize,
}

impl Gateway {
    /// Ready for connections.
    ///
    /// # Errors
    /// Only if a metric of the same name is registered already.
    pub fn new(app: App) -> prometheus::Result<Self> {
        let config = &app.config.realtime;
        let limits = AddressLimits {
            strangers: config.unauthenticated_per_address,
            sessions: config.connections_per_address,
        };
        let metrics = RealtimeMetrics::new(app.metrics.registry())?;
        let engine = Engine::new(engine_limits(&app.config));
        Ok(Self(Arc::new(Inner { addresses: Addresses::new(limits), metrics, engine, app })))
    }

    /// What the process shares.
    pub(super) fn app(&self) -> &App {
        &self.0.app
    }

    /// What is counted.
    pub(super) fn metrics(&self) -> &RealtimeMetrics {
        &self.0.metrics
    }

    /// How many connections each address has.
    pub(super) fn addresses(&self) -> &Addresses {
        &self.0.addresses
    }

    pub(super) fn replay_limits(&self) -> ReplayLimits {
        let config = &self.0.app.config.realtime;
        ReplayLimits { events: config.replay_max, bytes: config.outbox_soft / 2 }
    }

    pub(super) fn session_limits(&self, plan: PlanLimits) -> SessionLimits {
        let config = &self.0.app.config.realtime;
        SessionLimits {
            messages: plan.messages,
            mistakes: config.malformed_per_minute,
            token_warning: config.token_warning,
            token_grace: config.token_grace,
        }
    }
}

fn link_limits(config: &Config) -> LinkLimits {
    let config = &config.realtime;
    LinkLimits {
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
        link: link_limits(config),
    }
}

fn hall_limits(config: &Config) -> HallLimits {
    let realtime = &config.realtime;
    HallLimits {
        connect_timeout: config.server.handshake_timeout,
        attempts: realtime.malformed_per_minute,
        packets: PacketLimits { attachments: realtime.attachments_max, bytes: realtime.message_max },
    }
}

/// The endpoints. They read the [`Gateway`] from the application's data, and are mounted at the root and
/// under `/api/v1`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/ws", web::get().to(connect));
    // All methods: what is wrong with the others is said in Engine.IO's own words.
    for path in ["/socket.io/", "/socket.io"] {
        config.route(path, web::route().to(engage));
    }
}

/// `/ws`: the JSON dialect.
async fn connect(request: HttpRequest, payload: Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let gateway = gateway.get_ref();
    let handshake = match Handshake::read(&request, payload, Endpoint::Ws, link_limits(&gateway.app().config))
    {
        Ok(handshake) => handshake,
        Err(answer) => return answer,
    };
    let address = client_address(&request, &gateway.app().config.server);
    let Some(stranger) = gateway.0.addresses.let_in(address) else {
        gateway.metrics().throttled();
        return too_many_strangers();
    };
    let call = call_of(&request, gateway);
    let newcomer = Unauthenticated::new(ConnectionId::new(gateway.app().clock.now()));
    match admission::admit(gateway, Applicant::of(&request, call), stranger).await {
        Ok(admitted) => {
            let (response, Connection { reader, outbox, wire }) = handshake.accept();
            let limits = gateway.session_limits(admitted.limits);
            let session = newcomer.authenticated(admitted.scope, limits);
            let opening = Opening {
                gateway: gateway.clone(),
                session,
                token: admitted.token,
                endpoint: Endpoint::Ws,
                dialect: Dialect::Json,
                outbox,
                wire,
                seat: admitted.seat,
                place: admitted.place,
            };
            SessionActor::open(opening, reader);
            response
        }
        Err((reason, stranger)) => {
            gateway.metrics().refused(reason);
            log::info!(
                target: "souk::realtime", request_id:% = call, address:%;
                "a WebSocket was refused: {}", reason.name()
            );
            handshake.refuse(reason, stranger)
        }
    }
}

/// `/socket.io/`: a request of a connection, or one that opens a connection.
async fn engage(request: HttpRequest, payload: Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let gateway = gateway.get_ref();
    let opening = match gateway.0.engine.receive(&request, payload).await {
        Received::Answered(answer) => return answer,
        Received::Opening(opening) => opening,
    };
    let address = client_address(&request, &gateway.app().config.server);
    let Some(stranger) = gateway.addresses().let_in(address) else {
        gateway.metrics().throttled();
        return too_many_strangers();
    };
    let lobby = Lobby::new(gateway.clone(), address, call_of(&request, gateway), stranger, &request);
    let (response, connection) = opening.accept();
    actix_web::rt::spawn(socketio::serve(connection, lobby, hall_limits(&gateway.app().config)));
    response
}

fn call_of(request: &HttpRequest, gateway: &Gateway) -> CallId {
    let named = request.extensions().get::<CallId>().copied();
    named.unwrap_or_else(|| CallId::new(gateway.app().clock.now()))
}

fn too_many_strangers() -> HttpResponse {
    let detail = "too many connections from this address that have not authenticated; try again in a moment";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_connections", detail)
        .retry_after(Duration::from_secs(1))
        .error_response()
}
