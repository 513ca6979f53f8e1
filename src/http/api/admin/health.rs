//! `/admin/health`: how each part of the server is.

use actix_web::{HttpResponse, get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::oversight;
use crate::health::{Health, NodeHealth, Part, PartHealth, State};
use crate::http::schema::enum_of;
use crate::http::{Caller, Problem};
use crate::ids::NodeId;

/// How the server is.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerHealth)]
struct HealthView {
    /// When this was found.
    at: Timestamp,
    /// The parts of the server, always the same ones in the same order.
    parts: Vec<PartView>,
    /// The servers on the database, the oldest first: those that live, and for a minute those that have fallen silent.
    /// The one that answers alone, if the others are not known.
    nodes: Vec<NodeView>,
}

/// How a part of the server is.
#[derive(Serialize, ToSchema)]
#[schema(as = PartHealth)]
struct PartView {
    #[schema(schema_with = parts)]
    part: &'static str,
    #[schema(schema_with = states)]
    state: &'static str,
    /// Why, in a sentence.
    because: String,
    /// When it came to be in this state, where that is known.
    since: Option<Timestamp>,
    /// When it last did what it is for, where that is known: committed, ended a round, heard of others' commits.
    last_at: Option<Timestamp>,
}

/// How a server on the database is.
#[derive(Serialize, ToSchema)]
#[schema(as = NodeHealth)]
struct NodeView {
    id: NodeId,
    /// Whether it is the one that answers.
    current: bool,
    #[schema(schema_with = states)]
    state: &'static str,
    /// Why, in a sentence.
    because: &'static str,
    /// When it started, by its own clock.
    since: Option<Timestamp>,
    /// When it last said that it lives; null for a server alone on its database.
    last_seen_at: Option<Timestamp>,
}

fn parts() -> Schema {
    enum_of(Part::ALL.map(Part::as_str))
}

fn states() -> Schema {
    enum_of(State::ALL.map(State::as_str))
}

impl HealthView {
    fn of(health: Health, now: Timestamp) -> Self {
        let ago = |time| now.minus(time);
        let part = |part: PartHealth| PartView {
            part: part.part.as_str(),
            state: part.state.as_str(),
            because: part.because,
            since: part.since.map(ago),
            last_at: part.last.map(ago),
        };
        let node = |node: NodeHealth| NodeView {
            id: node.id,
            current: node.is_current,
            state: node.state.as_str(),
            because: node.because,
            since: node.started_at,
            last_seen_at: node.silent_for.map(ago),
        };
        let Health { parts, nodes } = health;
        Self {
            at: now,
            parts: parts.into_iter().map(part).collect(),
            nodes: nodes.into_iter().map(node).collect(),
        }
    }
}

/// How each part of the server that answers is, and which servers its database has.
///
/// 200 also if parts are down, as long as the caller's token can be checked. Takes a few seconds at most. Not in the
/// audit trail.
#[utoipa::path(operation_id = "readHealth", responses((status = 200, body = HealthView)))]
#[get("/admin/health")]
pub(super) async fn read(app: Data<App>, caller: Caller) -> Result<HttpResponse, Problem> {
    let scope = caller.0;
    if !oversight::may_read_health(&scope) {
        app.db.read(move |uow| oversight::refuse_health(uow, &scope)).await?;
    }
    let health = Health::of(&app).await;
    Ok(HttpResponse::Ok().json(HealthView::of(health, app.clock.now())))
}
