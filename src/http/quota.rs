//! The daily quotas of the caller in headers, as `RateLimit` and `RateLimit-Policy` of
//! draft-ietf-httpapi-ratelimit-headers-10: the headers of the rate a minute have other names.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};

use crate::app::App;
use crate::domain::policy::Scope;
use crate::domain::quotas::{self, Quota};

use super::Problem;

/// Adds what is left of these quotas.
pub(crate) async fn add_quota_headers(
    answer: Result<HttpResponse, Problem>,
    app: &App,
    scope: &Scope,
    quotas: &[Quota],
) -> Result<HttpResponse, Problem> {
    let mut response = answer?;
    let user = scope.user();
    let usage = app.db.read(move |uow| quotas::usage(uow, user)).await?;
    let limits = app.daily_limits(scope.plan());
    let (mut policy, mut left) = (Vec::new(), Vec::new());
    for quota in quotas {
        let (limit, seconds) = (limits.of(*quota), usage.resets_in.as_secs());
        policy.push(format!("\"{quota}\";q={limit};w=86400"));
        left.push(format!("\"{quota}\";r={};t={seconds}", limit.saturating_sub(usage.of(*quota))));
    }
    for (name, values) in [("ratelimit-policy", policy), ("ratelimit", left)] {
        if let Ok(value) = HeaderValue::from_str(&values.join(", ")) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}
