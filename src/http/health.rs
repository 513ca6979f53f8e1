//! What operators' machines ask: are you alive, do you want traffic, how are you doing.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::App;

use super::openapi::one_of;

/// The addresses for probes and scrapers.
pub(super) fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(alive).service(ready).service(metrics);
}

/// The same, as the server mounts them: at the root alone.
pub fn configure(cfg: &mut web::ServiceConfig) {
    routes(&mut ServiceConfig::new(cfg));
}

/// How the server is.
#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// What it lacks to be ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = lacks)]
    because: Option<&'static str>,
}

fn statuses() -> Schema {
    one_of(["ok", "ready", "unready"])
}

fn lacks() -> Schema {
    one_of(["stopping", "hub", "database"])
}

/// 200 as long as requests are answered at all: a failure here means that only a restart helps.
#[utoipa::path(operation_id = "checkHealth", responses((status = 200, body = Health)))]
#[get("/healthz")]
async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok", because: None })
}

/// 200 if requests should be sent here: the database answers, its schema is current, the hub runs, and we
/// are not stopping.
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
    match app.db.check().await {
        Ok(()) => HttpResponse::Ok().json(Health { status: "ready", because: None }),
        Err(error) => {
            log::warn!("not ready: {error}");
            unready("database")
        }
    }
}

fn unready(why: &'static str) -> HttpResponse {
    HttpResponse::ServiceUnavailable().json(Health { status: "unready", because: Some(why) })
}

/// Everything we count, in the Prometheus text format.
#[utoipa::path(
    operation_id = "readMetrics",
    responses((status = 200, body = String, content_type = "text/plain"))
)]
#[get("/metrics")]
async fn metrics(app: web::Data<App>) -> HttpResponse {
    match app.metrics.render() {
        Ok(text) => HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
            .body(text),
        Err(error) => {
            log::error!("the metrics cannot be written: {error}");
            HttpResponse::InternalServerError().finish()
        }
    }
}
