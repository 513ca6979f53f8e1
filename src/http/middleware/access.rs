//! Which routes need a token: all that are not listed here, so that a forgotten route is closed.

use actix_web::dev::ServiceRequest;

/// Probes and scrapes, which come every few seconds; never rate-limited.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Routes that open live connections. They accept tokens in more places and have their own limits.
const LIVE: [&str; 6] = [
    "/ws",
    "/ws/reflections/{entry_id}",
    "/ws/kanban/projects/{project_id}",
    "/ws/simulate",
    "/socket.io/",
    "/socket.io",
];

/// Routes for signing in and out, and public pages.
const OPEN: [&str; 14] = [
    "/",
    "/auth/register",
    "/auth/token",
    "/auth/login",
    "/auth/refresh",
    "/auth/revoke",
    "/openapi.json",
    "/docs",
    "/docs/{_:.*}",
    "/admin",
    "/admin/",
    "/admin/assets/{version}/{path:.*}",
    "/admin/login",
    "/admin/login/refresh",
];

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody, without a rate limit.
    Probe,
    /// Clients that open a live connection, which has its own admission.
    Live,
    /// Everybody; includes unknown paths, whose absence is no secret.
    Open,
    /// Callers with a valid token.
    Token,
}

/// Whether a request that is not routed yet is one of administration: `/admin` and everything below.
pub(super) fn is_administration(request: &ServiceRequest) -> bool {
    let path = request.match_info().unprocessed();
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    path.strip_prefix("/admin").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The access of a request that is not routed yet.
pub(super) fn access(request: &ServiceRequest) -> Access {
    // The path as the router sees it: with `%62` for `b`, the raw path would match another pattern.
    let pattern = request.resource_map().match_pattern(request.match_info().unprocessed());
    let Some(pattern) = pattern else { return Access::Open };
    let pattern = pattern.strip_prefix("/api/v1").unwrap_or(&pattern);
    match pattern {
        probe if PROBES.contains(&probe) => Access::Probe,
        live if LIVE.contains(&live) => Access::Live,
        open if OPEN.contains(&open) => Access::Open,
        _ => Access::Token,
    }
}
