//! How many requests a minute somebody may make: a user by plan, everybody else by address (GCRA, so that a minute's
//! worth may come at once and then evenly).

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, ResponseError, web};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::app::App;
use crate::config::Config;
use crate::domain::Error;
use crate::domain::policy::Scope;
use crate::domain::users::Plan;
use crate::ids::UserId;

use super::{Problem, client_address};

/// The counters of one server.
pub struct RateLimits {
    free: Counter<UserId>,
    pro: Counter<UserId>,
    enterprise: Counter<UserId>,
    addresses: Counter<IpAddr>,
}

impl RateLimits {
    /// Nobody has asked for anything yet.
    pub fn new(config: &Config) -> Self {
        let plans = &config.plans;
        Self {
            free: Counter::new(plans.free().requests),
            pro: Counter::new(plans.pro().requests),
            enterprise: Counter::new(plans.enterprise().requests),
            addresses: Counter::new(config.http.anonymous_requests),
        }
    }

    fn of_plan(&self, plan: Plan) -> &Counter<UserId> {
        match plan {
            Plan::Free => &self.free,
            Plan::Pro => &self.pro,
            Plan::Enterprise => &self.enterprise,
        }
    }
}

/// Counts a request of an authenticated caller.
pub(super) fn count_user(app: &App, request: &HttpRequest, scope: &Scope) -> Result<(), Problem> {
    let counted = app.rates.of_plan(scope.plan()).count(scope.user(), request);
    if counted.is_err() {
        app.metrics.plan_limited("requests", scope.plan().as_str());
    }
    counted
}

/// Counts a request of somebody who shows no good token.
pub(super) fn count_stranger(app: &App, request: &HttpRequest) -> Result<(), Problem> {
    app.rates.addresses.count(network(client_address(request, &app.config.server)), request)
}

/// Middleware that counts requests without a token, and tells every caller where they stand. Those with a token are
/// counted when it has been checked (`Caller`); WebSocket handshakes have limits of their own.
pub async fn limit_rate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<actix_web::body::EitherBody<B>>, actix_web::Error> {
    // The requests of a session that polls are many and small, and under that session's own limits.
    let is_handshake = request.headers().contains_key(header::UPGRADE) && request.path().contains("/ws")
        || request.path().contains("/socket.io");
    let is_probe = matches!(request.path(), "/healthz" | "/readyz" | "/metrics");
    let is_stranger = !request.headers().contains_key(header::AUTHORIZATION);
    if is_stranger
        && !is_handshake
        && !is_probe
        && let Some(app) = request.app_data::<web::Data<App>>().cloned()
        && let Err(problem) = count_stranger(&app, request.request())
    {
        let mut refused = request.into_response(problem.error_response());
        tell(&mut refused);
        return Ok(refused.map_into_right_body());
    }
    let mut response = next.call(request).await?;
    tell(&mut response);
    Ok(response.map_into_left_body())
}

/// `RateLimit-*` (draft-ietf-httpapi-ratelimit-headers-06, section 3).
fn tell<B>(response: &mut ServiceResponse<B>) {
    let Some(standing) = response.request().extensions().get::<Standing>().copied() else { return };
    let mut put = |name, value: u64| put(response.headers_mut(), name, value);
    put("ratelimit-limit", standing.limit.into());
    put("ratelimit-remaining", standing.remaining.into());
    put("ratelimit-reset", standing.reset.as_secs_f64().ceil() as u64);
}

fn put(headers: &mut HeaderMap, name: &'static str, value: u64) {
    headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
}

/// Where a caller stands, left with the request.
#[derive(Clone, Copy, Debug)]
struct Standing {
    limit: u32,
    remaining: u32,
    /// Until the whole limit is there again.
    reset: Duration,
}

struct Counter<K: Clone + Hash + Eq> {
    limit: NonZeroU32,
    limiter: RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>,
    until_sweep: AtomicU32,
}

/// Keys that are back at their full limit are forgotten this often: whoever can make up keys could fill a table.
const SWEEP_EVERY: u32 = 16_384;

impl<K: Clone + Hash + Eq> Counter<K> {
    fn new(a_minute: u32) -> Self {
        let limit = NonZeroU32::new(a_minute).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::dashmap(Quota::per_minute(limit)).with_middleware();
        Self { limit, limiter, until_sweep: AtomicU32::new(SWEEP_EVERY) }
    }

    fn count(&self, key: K, request: &HttpRequest) -> Result<(), Problem> {
        if self.until_sweep.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.until_sweep.store(SWEEP_EVERY, Ordering::Relaxed);
            self.limiter.retain_recent();
        }
        let limit = self.limit.get();
        let (remaining, refused) = match self.limiter.check_key(&key) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(until) => (0, Some(until.wait_time_from(DefaultClock::default().now()))),
        };
        let reset =
            Duration::from_secs(60).mul_f64(f64::from(limit - remaining.min(limit)) / f64::from(limit));
        request.extensions_mut().insert(Standing { limit, remaining, reset });
        match refused {
            None => Ok(()),
            Some(retry_after) => Err(Error::Limited { detail: "too many requests", retry_after }.into()),
        }
    }
}

/// What counts as one address: of IPv6 a customer's network, since each customer has 2⁶⁴ addresses.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_limit_is_a_minutes_worth_and_callers_do_not_share_it() {
        let counter = Counter::new(3);
        let request = TestRequest::default().to_http_request();
        for remaining in [2, 1, 0] {
            assert!(counter.count("ana", &request).is_ok());
            assert_eq!(request.extensions().get::<Standing>().unwrap().remaining, remaining);
        }
        assert_eq!(counter.count("ana", &request).unwrap_err().status_code(), 429);
        assert!(counter.count("ben", &request).is_ok());
    }

    #[test]
    fn a_customers_ipv6_network_is_one_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("203.0.113.1"), of("203.0.113.2"));
    }
}
