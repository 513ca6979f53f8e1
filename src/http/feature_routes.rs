//! What a feature's `routes` function adds its handlers to.

use actix_web::dev::HttpServiceFactory;
use actix_web::web;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::OpenApiFactory;

/// Mounts the handlers of a feature, or describes them in the OpenAPI document.
///
/// Not `utoipa_actix_web`'s `ServiceConfig`, which does both at once: each worker would generate the schemas of all routes
/// for each base.
pub(crate) enum FeatureRoutes<'a> {
    /// Mounts them.
    Mount(&'a mut web::ServiceConfig),
    /// Adds their paths and schemas to this document.
    Describe(&'a mut OpenApi),
}

impl FeatureRoutes<'_> {
    /// Adds one handler.
    pub(crate) fn service<F>(&mut self, handler: F) -> &mut Self
    where
        F: HttpServiceFactory + OpenApiFactory + 'static,
    {
        match self {
            Self::Mount(cfg) => {
                cfg.service(handler);
            }
            Self::Describe(document) => {
                document.paths.merge(handler.paths());
                let mut schemas = Vec::new();
                handler.schemas(&mut schemas);
                document.components.get_or_insert_default().schemas.extend(schemas);
            }
        }
        self
    }
}
