//! What operators' machines ask: are you alive, do you want traffic.

use actix_web::{HttpResponse, web};

use crate::app::App;

/// The addresses for probes.
pub fn configure(config: &mut web::ServiceConfig) {
    config.route("/healthz", web::get().to(alive)).route("/readyz", web::get().to(ready));
}

/// 200 as long as requests are answered at all: a failure here means that only a restart helps.
async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok" }))
}

/// 200 if requests should be sent here: the database answers and takes writes, its schema is the one we know, the hub
/// runs, and we are not stopping. Of the database it may tell what was so a second ago.
async fn ready(app: web::Data<App>) -> HttpResponse {
    if app.stopping.is_set() {
        return unready("stopping");
    }
    if !app.hub.is_running() {
        return unready("hub");
    }
    match app.db.check().await {
        Ok(()) => HttpResponse::Ok().json(serde_json::json!({ "status": "ready" })),
        // Logged where it was found.
        Err(_) => unready("database"),
    }
}

fn unready(why: &'static str) -> HttpResponse {
    HttpResponse::ServiceUnavailable().json(serde_json::json!({ "status": "unready", "because": why }))
}
