//! `/`: a landing page for browsers, JSON for programs.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;

use super::schema::enum_of;

const PAGE: &str = include_str!("root.html");
const STYLE: &str = include_str!("root.css");

/// Mounts `/`.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.route("/", web::get().to(greet)).route("/", web::head().to(greet));
}

/// What programs are told.
#[derive(Serialize, ToSchema)]
struct Greeting {
    #[schema(schema_with = name)]
    name: &'static str,
    /// The server's version.
    version: &'static str,
    links: Links,
}

/// Paths of what there is to read.
#[derive(Serialize, ToSchema)]
struct Links {
    docs: &'static str,
    openapi: &'static str,
    health: &'static str,
    readiness: &'static str,
}

fn name() -> Schema {
    enum_of(["souk"])
}

/// Name, version and links: a page for browsers, JSON for everything else.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "describeServer",
    responses((status = 200, content((Greeting = "application/json"), (String = "text/html"))))
)]
pub(super) async fn greet(request: HttpRequest) -> HttpResponse {
    let accepted = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    match accepted.is_some_and(|accept| accept.contains("text/html")) {
        true => page(),
        false => HttpResponse::Ok().insert_header((header::VARY, "Accept")).json(Greeting {
            name: "souk",
            version: env!("CARGO_PKG_VERSION"),
            links: Links {
                docs: "/docs/",
                openapi: "/openapi.json",
                health: "/healthz",
                readiness: "/readyz",
            },
        }),
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
