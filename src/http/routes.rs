//! Every route, in one list.

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

use super::fallback::{self, Addresses};
use super::{
    admin, auth, bookings, consumers, conversations, entries, offers, openapi, projects, providers, requests,
    sessions, simulations,
};
use crate::realtime;

/// The routes that clients of the API call, feature by feature; the OpenAPI document is made of the same list.
pub(super) fn documented(cfg: &mut ServiceConfig<'_>) {
    auth::routes(cfg);
    providers::routes(cfg);
    consumers::routes(cfg);
    requests::routes(cfg);
    offers::routes(cfg);
    bookings::routes(cfg);
    sessions::routes(cfg);
    projects::routes(cfg);
    entries::routes(cfg);
    conversations::routes(cfg);
    simulations::routes(cfg);
    admin::routes(cfg);
}

/// Everything over HTTP: the routes at the root, as existing clients call them, and the same under `/api/v1`; the
/// document and its page; and an answer for everything else.
pub fn configure(cfg: &mut web::ServiceConfig) {
    let document = openapi::document();
    cfg.app_data(web::Data::new(Addresses::of(&document)));
    openapi::configure(cfg, &document);
    cfg.service(web::scope("/api/v1").configure(mount).default_service(web::to(fallback::answer)));
    cfg.configure(mount);
    cfg.default_service(web::to(fallback::answer));
}

fn mount(cfg: &mut web::ServiceConfig) {
    cfg.configure(realtime::routes);
    documented(&mut ServiceConfig::new(cfg));
}
