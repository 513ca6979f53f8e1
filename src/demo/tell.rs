//! The sample marketplace told to whoever started it: to a person, or to a program.

use std::fmt::Write;
use std::net::SocketAddr;

use super::{Demo, Person};

/// One JSON object: `base_url`, `users` with credentials and ids of what they own, and where the story stands.
pub fn as_json(demo: &Demo, address: SocketAddr) -> Result<String, serde_json::Error> {
    #[derive(serde::Serialize)]
    struct Told<'a> {
        base_url: String,
        websocket_url: String,
        #[serde(flatten)]
        demo: &'a Demo,
    }
    let told = Told { base_url: base_url(address), websocket_url: websocket_url(address), demo };
    serde_json::to_string(&told)
}

/// Who there is, how to be each of them, and what to try first.
pub fn as_text(demo: &Demo, address: SocketAddr) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_text(&mut text, demo, address);
    text
}

fn write_text(out: &mut String, demo: &Demo, address: SocketAddr) -> std::fmt::Result {
    let base = base_url(address);
    writeln!(out, "Souk is open, with a sample marketplace in it.\n")?;
    writeln!(out, "  REST       {base}  (browse it at {base}/docs/)")?;
    writeln!(out, "  WebSocket  {}\n", websocket_url(address))?;
    writeln!(
        out,
        "To be one of these people, paste their line into a shell, or log in with the password:\n"
    )?;
    writeln!(out, "  export SOUK={base}")?;
    for person in &demo.users {
        write_person(out, person)?;
    }
    let request = demo.open_request.id;
    writeln!(out, "\nWatch Ana's request as Ana, in a second shell (any WebSocket client will do):\n")?;
    writeln!(out, "  websocat \"{}?token=$ANA\"", websocket_url(address))?;
    if let Some(offer) = demo.open_request.offers.first() {
        let (id, version, session) = (offer.id, offer.version, offer.session_id);
        writeln!(out, "  {{\"type\":\"join\",\"id\":1,\"room\":\"session:{session}\"}}")?;
        writeln!(out, "\nSee the offers on it, and accept Ben's:\n")?;
        writeln!(out, "  curl -s $SOUK/requests/{request}/offers -H \"Authorization: Bearer $ANA\"")?;
        writeln!(
            out,
            "  curl -s $SOUK/offers/{id}/accept -H \"Authorization: Bearer $ANA\" \\\n    \
             -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first' -d '{{\"version\":{version}}}'"
        )?;
    }
    writeln!(out, "\nCtrl-C ends it.")
}

fn write_person(out: &mut String, person: &Person) -> std::fmt::Result {
    let Person { name, role, email, password, access_token, .. } = person;
    let suspended = if person.is_active { "" } else { ", suspended: the token is refused" };
    writeln!(out, "\n  # {name}, {role}{suspended}; {email} / {password}")?;
    writeln!(out, "  export {}={access_token}", name.to_uppercase())
}

fn base_url(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
}

fn websocket_url(address: SocketAddr) -> String {
    format!("ws://{}/ws", reachable(address))
}

/// A server that listens on every address is reached by none of that name.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(any) if any.ip().is_unspecified() => ([127, 0, 0, 1], any.port()).into(),
        SocketAddr::V6(any) if any.ip().is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, any.port()).into()
        }
        address => address,
    }
}
