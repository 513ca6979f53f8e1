//! Which addresses need a token. All do that are not named here: who forgets an address has closed it.

use actix_web::dev::ServiceRequest;

/// For operators' machines, which ask every few seconds; never counted.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Where live connections open. They look for tokens in more places, and have limits of their own.
const LIVE: [&str; 6] = [
    "/ws",
    "/ws/reflections/{entry_id}",
    "/ws/kanban/projects/{project_id}",
    "/ws/simulate",
    "/socket.io/",
    "/socket.io",
];

/// Where people come in and go out, and what everybody may read.
const OPEN: [&str; 9] = [
    "/",
    "/auth/register",
    "/auth/token",
    "/auth/login",
    "/auth/refresh",
    "/auth/revoke",
    "/openapi.json",
    "/docs",
    "/docs/{_:.*}",
];

/// Who may come to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody, as often as they like.
    Probe,
    /// Whoever opens a live connection, which its own admission decides.
    Live,
    /// Everybody; this includes addresses that do not exist, since that is no secret.
    Open,
    /// Whoever shows a good token.
    Token,
}

/// Who may come to the address of a request that is not routed yet.
pub(super) fn access(request: &ServiceRequest) -> Access {
    // The path as the router sees it: with `%62` for a `b`, the raw one would be another.
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
