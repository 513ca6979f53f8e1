//! Where live connections come in: the routes, and what all sessions need.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};

use super::admission::{self, Doorkeeper};
use super::close::Endpoint;
use super::hub::{HubHandle, OutboxLimits};
use super::metrics::RealtimeMetrics;
use super::protocol::Dialect;
use super::session::{Opening, SessionActor, SessionLimits, Unauthenticated};
use super::transport::handshake::Handshake;
use super::transport::{AddressLimits, Addresses, FrameLimits, LinkLimits};
use crate::clock::Clock;
use crate::config::{Config, PlanLimits};
use crate::db::Db;
use crate::http::{Problem, client_address};
use crate::ids::{CallId, ConnectionId};

/// Shared by every worker thread; cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    parts: Parts,
    addresses: Addresses,
}

/// What sessions and their handlers need of the process.
pub struct Parts {
    /// The settings in force.
    pub config: Arc<Config>,
    /// What time it is.
    pub clock: Clock,
    /// Where everything is kept.
    pub db: Db,
    /// Says who shows a token.
    pub doorkeeper: Arc<dyn Doorkeeper>,
    /// Who hears what.
    pub hub: HubHandle,
    /// What is counted.
    pub metrics: RealtimeMetrics,
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
    pub fn new(parts: Parts) -> Self {
        let config = &parts.config.realtime;
        let limits = AddressLimits {
            strangers: config.unauthenticated_per_address,
            sessions: config.connections_per_address,
        };
        Self(Arc::new(Inner { addresses: Addresses::new(limits), parts }))
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0.parts
    }

    pub(super) fn replay_limits(&self) -> ReplayLimits {
        let config = &self.0.parts.config.realtime;
        ReplayLimits { events: config.replay_max, bytes: config.outbox_soft / 2 }
    }

    fn link_limits(&self) -> LinkLimits {
        let config = &self.0.parts.config.realtime;
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
        let config = &self.0.parts.config.realtime;
        SessionLimits {
            messages: plan.messages,
            mistakes: config.malformed_per_minute,
            token_warning: config.token_warning,
            token_grace: config.token_grace,
        }
    }
}

/// The endpoints. They read the [`Gateway`] from the application's data, and are mounted at the root and under `/api/v1`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/ws", web::get().to(connect));
}

/// `/ws`: the JSON dialect.
async fn connect(request: HttpRequest, payload: Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let gateway = gateway.get_ref();
    let Parts { clock, metrics, .. } = gateway.parts();
    let handshake = match Handshake::read(&request, payload, Endpoint::Ws, gateway.link_limits()) {
        Ok(handshake) => handshake,
        Err(answer) => return answer,
    };
    let address = client_address(&request, &gateway.parts().config.server);
    let Some(stranger) = gateway.0.addresses.let_in(address) else {
        metrics.throttled();
        return too_many_strangers();
    };
    let now = clock.now();
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
            metrics.refused(reason);
            log::info!(request_id:% = call, address:%; "a WebSocket was refused: {}", reason.name());
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
