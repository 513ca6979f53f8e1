//! Where live connections come in: the routes, and what all sessions need.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};

use super::admission;
use super::close::Endpoint;
use super::hub::OutboxLimits;
use super::metrics::RealtimeMetrics;
use super::protocol::Dialect;
use super::session::{Opening, SessionActor, SessionLimits, Unauthenticated};
use super::transport::handshake::Handshake;
use super::transport::{AddressLimits, Addresses, FrameLimits, LinkLimits};
use crate::app::App;
use crate::config::PlanLimits;
use crate::http::{Problem, client_address};
use crate::ids::{CallId, ConnectionId};

/// Shared by every worker thread; cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    app: App,
    addresses: Addresses,
    metrics: RealtimeMetrics,
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
        Ok(Self(Arc::new(Inner { addresses: Addresses::new(limits), metrics, app })))
    }

    /// What the process shares.
    pub(super) fn app(&self) -> &App {
        &self.0.app
    }

    /// What is counted.
    pub(super) fn metrics(&self) -> &RealtimeMetrics {
        &self.0.metrics
    }

    pub(super) fn replay_limits(&self) -> ReplayLimits {
        let config = &self.0.app.config.realtime;
        ReplayLimits { events: config.replay_max, bytes: config.outbox_soft / 2 }
    }

    fn link_limits(&self) -> LinkLimits {
        let config = &self.0.app.config.realtime;
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

    fn session_limits(&self, plan: PlanLimits) -> SessionLimits {
        let config = &self.0.app.config.realtime;
        SessionLimits {
            messages: plan.messages,
            mistakes: config.malformed_per_minute,
            token_warning: config.token_warning,
            token_grace: config.token_grace,
        }
    }
}

/// The endpoints. They read the [`Gateway`] from the application's data, and are mounted at the root and
/// under `/api/v1`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/ws", web::get().to(connect));
}

/// `/ws`: the JSON dialect.
async fn connect(request: HttpRequest, payload: Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let gateway = gateway.get_ref();
    let handshake = match Handshake::read(&request, payload, Endpoint::Ws, gateway.link_limits()) {
        Ok(handshake) => handshake,
        Err(answer) => return answer,
    };
    let address = client_address(&request, &gateway.app().config.server);
    let Some(stranger) = gateway.0.addresses.let_in(address) else {
        gateway.metrics().throttled();
        return too_many_strangers();
    };
    let now = gateway.app().clock.now();
    let call = request.extensions().get::<CallId>().copied().unwrap_or_else(|| CallId::new(now));
    let newcomer = Unauthenticated::new(ConnectionId::new(now));
    match admission::admit(gateway, &request, stranger, call).await {
        Ok(admitted) => {
            let (response, connection) = handshake.accept();
            let limits = gateway.session_limits(admitted.limits);
            let session = newcomer.authenticated(admitted.scope, limits);
            SessionActor::open(Opening {
                gateway: gateway.clone(),
                session,
                token: admitted.token,
                dialect: Dialect::Json,
                connection,
                seat: admitted.seat,
                place: admitted.place,
            });
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

fn too_many_strangers() -> HttpResponse {
    let detail = "too many connections from this address that have not authenticated; try again in a moment";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_connections", detail)
        .retry_after(Duration::from_secs(1))
        .error_response()
}
