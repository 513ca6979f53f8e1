//! Every route, in one list.

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

use super::api;
use super::fallback::{self, Addresses};
use super::openapi::{self, Document};

/// What is told of the routes. It is made once for all worker threads, since it is large.
#[derive(Clone)]
pub struct Description {
    addresses: web::Data<Addresses>,
    document: Document,
}

impl Description {
    /// Of all routes.
    ///
    /// # Errors
    /// Only if the document cannot be written, which a test would find.
    pub fn new() -> serde_json::Result<Self> {
        let document = openapi::document();
        let addresses = web::Data::new(Addresses::of(&document));
        Ok(Self { addresses, document: Document::write(&document)? })
    }
}

/// Everything over HTTP: the routes at the root, as existing clients call them, and the same under `/api/v1`; the
/// document and its page; and an answer for everything else. `live` mounts the addresses of live connections, which this
/// module knows nothing of.
pub fn configure(cfg: &mut web::ServiceConfig, description: &Description, live: fn(&mut web::ServiceConfig)) {
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
        // What one feature's configuration gathers for a document is not wanted here, and goes before the next.
        routes(&mut ServiceConfig::new(cfg));
    }
}
