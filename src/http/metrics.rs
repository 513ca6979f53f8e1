//! `/metrics`: all metrics in the Prometheus text format; needs the metrics token where one is configured.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Problem;
use crate::app::App;

/// The address for scrapers.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.route("/metrics", web::get().to(read));
}

/// All metrics in the Prometheus text format. The token is that of `--metrics-token`, where there is one.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "readMetrics",
    responses((status = 200, content_type = "text/plain", body = String))
)]
pub(super) async fn read(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
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

/// Hashed first, so that the comparison takes the same time for any input.
fn is_same(shown: &str, token: &str) -> bool {
    Sha256::digest(shown).ct_eq(&Sha256::digest(token)).into()
}
