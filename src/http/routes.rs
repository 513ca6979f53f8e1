//! Mounts every route.

use actix_web::web;

use crate::config::Config;

use super::api;
use super::fallback::{self, Addresses};
use super::feature_routes::FeatureRoutes;
use super::openapi::{self, Document};

/// The OpenAPI document and the path table of all routes. Created once and shared by the worker threads,
/// since it is large.
#[derive(Clone)]
pub(crate) struct Description {
    addresses: web::Data<Addresses>,
    document: Document,
}

impl Description {
    /// Generates both from the routes, for a server of this configuration.
    ///
    /// # Errors
    /// Only if the document cannot be serialized, which a test would find.
    pub(crate) fn new(config: &Config) -> serde_json::Result<Self> {
        let mut document = openapi::document(config.http.page_max);
        if config.metrics.bind.is_some() {
            document.paths.paths.remove("/metrics");
        }
        let addresses = web::Data::new(Addresses::of(&document));
        Ok(Self { addresses, document: Document::write(&document)? })
    }
}

/// Mounts everything over HTTP: the routes at the root, as existing clients call them, and the same under
/// `/api/v1`; the document and its page; and a fallback for everything else. `live` mounts the routes of live
/// connections, which this module does not know.
pub(crate) fn configure(
    cfg: &mut web::ServiceConfig,
    description: &Description,
    live: fn(&mut web::ServiceConfig),
) {
    cfg.app_data(description.addresses.clone());
    openapi::configure(cfg, &description.document);
    cfg.service(
        web::scope("/api/v1").configure(|cfg| mount(cfg, live)).default_service(web::to(fallback::answer)),
    );
    mount(cfg, live);
    cfg.default_service(web::to(fallback::answer));
}

fn mount(cfg: &mut web::ServiceConfig, live: fn(&mut web::ServiceConfig)) {
    live(cfg);
    for (_, routes) in api::FEATURES {
        routes(&mut FeatureRoutes::Mount(cfg));
    }
}
