//! The routes of the API, one module per resource: each handler parses into a command, calls one use case,
//! and represents the result.

mod admin;
mod auth;
mod bookings;
mod consumers;
mod conversations;
mod entries;
mod generated;
mod masterplans;
mod me;
mod offers;
mod projects;
mod providers;
mod reflections;
mod requests;
mod sessions;
mod simulations;

use crate::http::feature_routes::FeatureRoutes;

/// A function that adds one feature's routes.
pub(super) type Routes = fn(&mut FeatureRoutes<'_>);

/// The features of the API, each with its tag in the OpenAPI document.
pub(super) const FEATURES: [(&str, Routes); 15] = [
    ("auth", auth::routes),
    ("me", me::routes),
    ("providers", providers::routes),
    ("consumers", consumers::routes),
    ("requests", requests::routes),
    ("offers", offers::routes),
    ("bookings", bookings::routes),
    ("sessions", sessions::routes),
    ("projects", projects::routes),
    ("entries", entries::routes),
    ("reflections", reflections::routes),
    ("conversations", conversations::routes),
    ("masterplans", masterplans::routes),
    ("simulations", simulations::routes),
    ("admin", admin::routes),
];
