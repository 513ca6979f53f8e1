//! `/metrics`: everything that is counted, in the Prometheus text format, for whoever may read it.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Problem;
use crate::app::App;

/// The address for scrapers.
pub(super) fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(read);
}

/// The same, as the server mounts it: at the root alone, or at an address of its own.
pub fn configure(cfg: &mut web::ServiceConfig) {
    routes(&mut ServiceConfig::new(cfg));
}

/// Everything we count, in the Prometheus text format. Takes the metrics token where the server has one.
#[utoipa::path(
    operation_id = "readMetrics",
    responses((status = 200, body = String, content_type = "text/plain"))
)]
#[get("/metrics")]
async fn read(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if let Some(token) = &app.config.metrics.token
        && !shown(&request).is_some_and(|shown| is_same(shown, token.expose()))
    {
        let detail = "show the metrics token: Authorization: Bearer TOKEN";
        return Err(Problem::unauthorized(r#"Bearer realm="metrics""#, detail));
    }
    Ok(match app.metrics.render() {
        Ok(text) => HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
            .body(text),
        Err(error) => {
            log::error!("the metrics cannot be written: {error}");
            HttpResponse::InternalServerError().finish()
        }
    })
}

fn shown(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Hashed first, so that comparing takes as long whatever is shown.
fn is_same(shown: &str, token: &str) -> bool {
    Sha256::digest(shown).ct_eq(&Sha256::digest(token)).into()
}
