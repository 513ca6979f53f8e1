//! Which requests may use the dashboard's cookie.
//!
//! A browser sends a cookie by itself, whichever page makes it do so. `SameSite=Strict` keeps it from other sites; a
//! page on another port or subdomain is of the same site, and is kept out here: the request must say that it comes
//! from a page of this server (`Origin`), and have a header that other origins may not send (CORS does not list it).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{FromRequest, HttpRequest};
use url::{Host, Url};

use crate::http::extract::app_of;
use crate::http::{Problem, fallback};

/// Sent by the dashboard with each call that uses its cookie; the value does not matter.
const MARK: HeaderName = HeaderName::from_static("x-souk-dashboard");

/// A call by a page of this server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DashboardCall {
    /// Whether the page came over TLS, which this process may not see: a proxy ends it.
    pub(crate) is_secure: bool,
}

impl FromRequest for DashboardCall {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request))
    }
}

fn read(request: &HttpRequest) -> Result<DashboardCall, Problem> {
    if !app_of(request)?.config.dashboard.is_on() {
        return Err(fallback::no_such_address());
    }
    let text = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN).and_then(|origin| Url::parse(origin).ok());
    let host = text(header::HOST).unwrap_or_default();
    match origin.filter(|origin| is_of(origin, host)) {
        Some(origin) if request.headers().contains_key(MARK) => {
            Ok(DashboardCall { is_secure: origin.scheme() == "https" })
        }
        _ => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            "this address is for the dashboard alone; programs log in at /auth/token",
        )),
    }
}

/// Whether the origin is that of the host which the request names. Some proxies pass on the name without its port;
/// cookies do not tell ports apart either.
fn is_of(origin: &Url, host: &str) -> bool {
    let Ok(named) = Url::parse(&format!("{}://{host}", origin.scheme())) else { return false };
    let is_web = matches!(origin.scheme(), "http" | "https");
    let names_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let is_same_host = origin.host().as_ref().is_some_and(|host| is_same(host, named.host().as_ref()));
    is_web && is_same_host && (!names_port || origin.port_or_known_default() == named.port_or_known_default())
}

fn is_same(host: &Host<&str>, other: Option<&Host<&str>>) -> bool {
    other == Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_of_its_own_host_alone() {
        let same = [
            ("http://127.0.0.1:8000", "127.0.0.1:8000"),
            ("https://souk.example", "souk.example"),
            ("https://souk.example", "souk.example:443"),
            ("https://souk.example:8443", "souk.example"),
            ("http://[::1]:8000", "[::1]:8000"),
            ("https://SOUK.example", "souk.EXAMPLE"),
        ];
        let other = [
            ("http://127.0.0.1:8001", "127.0.0.1:8000"),
            ("https://evil.example", "souk.example"),
            ("https://souk.example.evil.example", "souk.example"),
            ("http://souk.example", "souk.example:443"),
            ("https://souk.example:8443", "souk.example:443"),
            ("file://souk.example", "souk.example"),
        ];
        let is_of = |(origin, host): &(&str, &str)| is_of(&Url::parse(origin).unwrap(), host);
        same.iter().for_each(|case| assert!(is_of(case), "{case:?}"));
        other.iter().for_each(|case| assert!(!is_of(case), "{case:?}"));
    }
}
