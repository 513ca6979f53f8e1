//! Output of `souk demo`: text for people, or JSON for programs.

use std::fmt::Write;
use std::net::SocketAddr;

use super::marketplace::Demo;
use super::users::Person;

/// One JSON object: `base_url`, `users` with credentials and ids of what they own, and the open request and
/// booking.
pub(super) fn as_json(demo: &Demo, address: SocketAddr) -> Result<String, serde_json::Error> {
    #[derive(serde::Serialize)]
    struct Output<'a> {
        base_url: String,
        websocket_url: String,
        #[serde(flatten)]
        demo: &'a Demo,
    }
    let output = Output { base_url: base_url(address), websocket_url: websocket_url(address), demo };
    serde_json::to_string(&output)
}

/// The users, their credentials, and commands to try first.
pub(super) fn as_text(demo: &Demo, address: SocketAddr) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_text(&mut text, demo, address);
    text
}

fn write_text(out: &mut String, demo: &Demo, address: SocketAddr) -> std::fmt::Result {
    let base = base_url(address);
    writeln!(out, "Souk is open, with a sample marketplace in it.\n")?;
    writeln!(out, "  REST       {base}  (browse it at {base}/docs/)")?;
    writeln!(out, "  WebSocket  {}", websocket_url(address))?;
    writeln!(out, "  Dashboard  {base}/admin/  (log in as root, below)\n")?;
    for person in &demo.users {
        let Person { name, role, email, password, .. } = person;
        let suspended = if person.is_active { "" } else { ", suspended" };
        writeln!(out, "  {name:8} {role}{suspended}; logs in as {email} with {password}")?;
    }
    writeln!(out, "\nPaste this into another shell to be each of them (who is suspended is refused):\n")?;
    write_exports(out, demo, &base)?;
    writeln!(out, "\nWatch as Ben, whose offer waits (any WebSocket client will do):\n")?;
    writeln!(out, "  npx -y wscat -c \"{}?token=$BEN\"", websocket_url(address))?;
    writeln!(out, "\nSee the offers on Ana's request, and accept Ben's:\n")?;
    writeln!(out, "  curl -s $SOUK/requests/$REQUEST/offers -H \"Authorization: Bearer $ANA\"")?;
    writeln!(out, "  curl -s $SOUK/offers/$OFFER/accept -H \"Authorization: Bearer $ANA\" \\")?;
    writeln!(
        out,
        "    -H 'Content-Type: application/json' -H 'Idempotency-Key: first' -d '{{\"version\": 1}}'"
    )?;
    writeln!(out, "\nCtrl-C ends it.")
}

/// The environment variables that the sample commands here and in the README use.
fn write_exports(out: &mut String, demo: &Demo, base: &str) -> std::fmt::Result {
    writeln!(out, "  export SOUK={base}")?;
    for person in &demo.users {
        writeln!(out, "  export {}={}", person.name.to_uppercase(), person.access_token)?;
    }
    let offer = demo.open_request.offers.first();
    let (offer, session) = offer.map(|offer| (offer.id, offer.session_id)).unzip();
    writeln!(out, "  export REQUEST={}", demo.open_request.id)?;
    writeln!(out, "  export OFFER={}", offer.map(|id| id.to_string()).unwrap_or_default())?;
    writeln!(out, "  export SESSION={}", session.map(|id| id.to_string()).unwrap_or_default())?;
    writeln!(out, "  export BOOKING={}", demo.booking.id)?;
    let project = demo.booking.project_id.map(|id| id.to_string()).unwrap_or_default();
    writeln!(out, "  export PROJECT={project}")
}

fn base_url(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
}

fn websocket_url(address: SocketAddr) -> String {
    format!("ws://{}/ws", reachable(address))
}

/// Replaces the unspecified address (`0.0.0.0`, `::`), which a server listens on but a client cannot connect
/// to.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(any) if any.ip().is_unspecified() => ([127, 0, 0, 1], any.port()).into(),
        SocketAddr::V6(any) if any.ip().is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, any.port()).into()
        }
        address => address,
    }
}
