//! `/`: a landing page for browsers, JSON for programs.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("root.html");
const STYLE: &str = include_str!("root.css");

/// Mounts `/`.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.route("/", web::get().to(greet)).route("/", web::head().to(greet));
}

/// A page for browsers, JSON for everything else.
async fn greet(request: HttpRequest) -> HttpResponse {
    let accepted = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    match accepted.is_some_and(|accept| accept.contains("text/html")) {
        true => page(),
        false => HttpResponse::Ok().insert_header((header::VARY, "Accept")).json(serde_json::json!({
            "name": "souk",
            "version": env!("CARGO_PKG_VERSION"),
            "links": {
                "docs": "/docs/",
                "openapi": "/openapi.json",
                "health": "/healthz",
                "readiness": "/readyz",
            },
        })),
    }
}

/// The content security policy allows this one style and nothing else: the page loads and runs nothing.
fn page() -> HttpResponse {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let page = PAGE.replace("{style}", STYLE).replace("{version}", env!("CARGO_PKG_VERSION"));
    HttpResponse::Ok()
        .insert_header((header::VARY, "Accept"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .content_type("text/html; charset=utf-8")
        .body(page)
}
