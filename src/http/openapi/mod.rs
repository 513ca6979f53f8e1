//! The OpenAPI 3.1 document, generated from the routes themselves, and the page to browse it offline.
//!
//! Handlers say what is theirs alone: their bodies, queries and good answers. What follows from the rest is added here,
//! once for all of them: ids and path parameters by `operations`, error answers and headers by `answers`; what
//! several share is written once by `sharing`.

mod answers;
mod operations;
mod sharing;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web;
use utoipa::OpenApi as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ServerBuilder,
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::domain::{FieldError, Kind};

use super::api::{FEATURES, Routes};
use super::feature_routes::FeatureRoutes;
use super::health;
use super::problem::Document as Problem;
use operations::UNVERSIONED;

const DESCRIPTION: &str = "\
Consumers post requests, providers answer with offers, an accepted offer becomes a booking, both sides chat. \
Every address is served at the root and under `/api/v1`. Errors are `application/problem+json` (RFC 9457); \
lists are `{items, next_cursor}`; updates take `If-Match`; deciding calls take `Idempotency-Key`. A method that an address does not take is \
answered 405 with `Allow` (`MethodNotAllowed` among the responses).";

/// Generates the document of all routes, for a server whose pages have at most `page_max` items.
pub fn document(page_max: u16) -> OpenApi {
    let mut document = frame();
    let features = FEATURES.into_iter().chain([("health", health::routes as Routes)]);
    let documents = features.clone().map(|(name, routes)| {
        let mut feature = OpenApi::default();
        routes(&mut FeatureRoutes::Describe(&mut feature));
        (name, feature)
    });
    for (name, mut feature) in documents.chain([("health", Unversioned::openapi())]) {
        for at in operations::each(&mut feature.paths) {
            at.operation.tags = Some(vec![name.to_owned()]);
        }
        document.merge(feature);
    }
    document.tags = Some(features.map(|(name, _)| TagBuilder::new().name(name).build()).collect());
    for path in UNVERSIONED {
        if let Some(item) = document.paths.paths.get_mut(path) {
            item.servers = Some(vec![ServerBuilder::new().url("/").build()]);
        }
    }
    let OpenApi { paths, components, .. } = &mut document;
    let components = components.get_or_insert_default();
    answers::share(components, page_max);
    sharing::share_items(components);
    for mut at in operations::each(paths) {
        at.complete(components);
        answers::complete(&mut at, components);
    }
    sharing::share_answers(paths, components);
    document
}

/// Operations whose routes are mounted without their documentation.
#[derive(utoipa::OpenApi)]
#[openapi(paths(super::root::greet, super::metrics::read))]
struct Unversioned;

/// The document without its paths.
fn frame() -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("An access token of `POST /auth/token`, or of a configured outside issuer"))
        .build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Souk")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(DESCRIPTION))
                .license(Some(
                    LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build(),
                ))
                .build(),
        )
        .servers(Some([
            ServerBuilder::new().url("/").build(),
            ServerBuilder::new().url("/api/v1").description(Some("the same router")).build(),
        ]))
        .security(Some([SecurityRequirement::new("bearer", [""; 0])]))
        .components(Some(
            ComponentsBuilder::new()
                // Only referenced by error responses and queries, whose schemas are not collected from the
                // routes.
                .schema_from::<Problem<'_>>()
                .schema_from::<FieldError>()
                .schema_from::<Kind>()
                .security_scheme("bearer", SecurityScheme::Http(bearer))
                .build(),
        ))
        .build()
}

/// A reference to an entry of the components.
fn shared<T>(kind: &str, name: &str) -> RefOr<T> {
    RefOr::Ref(Ref::new(format!("#/components/{kind}/{name}")))
}

/// The serialized document.
#[derive(Clone)]
pub(super) struct Document(web::Bytes);

impl Document {
    pub(super) fn write(document: &utoipa::openapi::OpenApi) -> serde_json::Result<Self> {
        document.to_json().map(|written| Self(written.into()))
    }
}

/// Mounts `/openapi.json` and `/docs`.
pub(super) fn configure(cfg: &mut web::ServiceConfig, Document(written): &Document) {
    let written = written.clone();
    let answer = move || {
        let body = written.clone();
        async move { HttpResponse::Ok().content_type(ContentType::json()).body(body) }
    };
    cfg.route("/openapi.json", web::get().to(answer.clone())).route("/openapi.json", web::head().to(answer));
    cfg.service(web::redirect("/docs", "/docs/"));
    cfg.service(
        SwaggerUi::new("/docs/{_:.*}")
            .config(Config::new(["/openapi.json"]).try_it_out_enabled(true).persist_authorization(true)),
    );
}
