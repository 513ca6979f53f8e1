//! `/providers`: providers' profiles and catalogues (services, templates, portfolio).

mod catalog;
mod portfolio;
mod profile;
mod services;
mod templates;

use crate::http::feature_routes::FeatureRoutes;

/// All routes under `/providers`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes
        .service(profile::list)
        .service(profile::get_one)
        .service(profile::get_profile)
        .service(profile::edit)
        .service(profile::edit_profile);
    routes
        .service(services::list)
        .service(services::add)
        .service(services::get_one)
        .service(services::edit)
        .service(services::remove);
    routes
        .service(templates::list)
        .service(templates::add)
        .service(templates::get_one)
        .service(templates::edit)
        .service(templates::remove);
    routes
        .service(portfolio::list)
        .service(portfolio::add)
        .service(portfolio::get_one)
        .service(portfolio::edit)
        .service(portfolio::remove);
}
