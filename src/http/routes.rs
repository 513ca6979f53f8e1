//! Every route, in one list: mounted at the root, as existing clients call them, and under `/api/v1`.

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of the marketplace, feature by feature.
pub fn marketplace(_cfg: &mut ServiceConfig<'_>) {}
