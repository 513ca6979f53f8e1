//! Every route, in one list.

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

use super::fallback::{self, Addresses};
use super::openapi::Document;
use super::{
    admin, auth, bookings, consumers, conversations, entries, offers, openapi, projects, providers, requests,
    sessions, simulations,
};
use crate::realtime;

/// Declares routes.
pub(super) type Routes = fn(&mut ServiceConfig<'_>);

/// The routes that clients of the API call, feature by feature. Its name is the feature's tag in the OpenAPI document.
pub(super) const FEATURES: [(&str, Routes); 12] = [
    ("auth", auth::routes),
    ("providers", providers::routes),
    ("consumers", consumers::routes),
    ("requests", requests::routes),
    ("offers", offers::routes),
    ("bookings", bookings::routes),
    ("sessions", sessions::routes),
    ("projects", projects::routes),
    ("entries", entries::routes),
    ("conversations", conversations::routes),
    ("simulations", simulations::routes),
    ("admin", admin::routes),
];

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
/// document and its page; and an answer for everything else.
pub fn configure(cfg: &mut web::ServiceConfig, description: &Description) {
    cfg.app_data(description.addresses.clone());
    openapi::configure(cfg, &description.document);
    cfg.service(web::scope("/api/v1").configure(mount).default_service(web::to(fallback::answer)));
    cfg.configure(mount);
    cfg.default_service(web::to(fallback::answer));
}

fn mount(cfg: &mut web::ServiceConfig) {
    cfg.configure(realtime::routes);
    for (_, routes) in FEATURES {
        // What one feature's configuration gathers for a document is not wanted here, and goes before the next.
        routes(&mut ServiceConfig::new(cfg));
    }
}
