//! Liveness and readiness probes.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;

use crate::app::App;

use super::schema::enum_of;
use crate::http::feature_routes::FeatureRoutes;

/// The probes' routes.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes.service(alive).service(ready);
}

/// Mounts the probes at the root only.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    routes(&mut FeatureRoutes::Mount(cfg));
}

/// The server's health.
#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// What is missing for it to be ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = lacks)]
    because: Option<&'static str>,
}

fn statuses() -> Schema {
    enum_of(["ok", "ready", "unready"])
}

fn lacks() -> Schema {
    enum_of(["stopping", "hub", "database", "cut_off"])
}

/// 200 as long as requests are answered at all: a failure here means that only a restart helps.
#[utoipa::path(operation_id = "checkHealth", responses((status = 200, body = Health)))]
#[get("/healthz")]
async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok", because: None })
}

/// 200 if requests should be sent here: the database answers and takes writes, its schema is the one we know, the hub
/// runs, other servers on the database are heard of, and we are not stopping. The state of the database may be a second old.
#[utoipa::path(
    operation_id = "checkReadiness",
    responses((status = 200, body = Health), (status = 503, description = "Not now.", body = Health))
)]
#[get("/readyz")]
async fn ready(app: web::Data<App>) -> HttpResponse {
    if app.stopping.is_set() {
        return unready("stopping");
    }
    if !app.hub.is_running() {
        return unready("hub");
    }
    if app.node_status.is_cut_off() {
        return unready("cut_off");
    }
    match app.db.check().await {
        Ok(()) => HttpResponse::Ok().json(Health { status: "ready", because: None }),
        // Logged where it was detected.
        Err(_) => unready("database"),
    }
}

fn unready(why: &'static str) -> HttpResponse {
    HttpResponse::ServiceUnavailable().json(Health { status: "unready", because: Some(why) })
}
