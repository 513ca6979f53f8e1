//! `/admin/rooms/{room}/events`: what was said in a room, from one position to another.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::requests::Reason;
use crate::domain::{Error, Page, oversight};
use crate::events::Envelope;
use crate::http::{Caller, Id, PageQuery, Problem, Query};
use crate::ids::{Room, Seq, UserId};

/// The fields of events, at any depth, that hold what people wrote to each other. Titles and names, which say what a
/// row is, are not among them.
const TEXTS: [&str; 7] = ["text", "message", "description", "checklist", "labels", "cancel_reason", "reason"];

/// A part of a room's log.
#[derive(Serialize, ToSchema)]
#[schema(as = RoomLog)]
struct LogView {
    #[schema(value_type = String, example = "market:plumbing")]
    room: Room,
    /// Position up to which events were deleted; 0 if none was.
    tail: Seq,
    /// Position of the newest event; 0 if there is none.
    head: Seq,
    /// The events, oldest first.
    items: Vec<EventView>,
}

/// An event of a room.
#[derive(Serialize, ToSchema)]
#[schema(as = RoomEvent)]
struct EventView {
    seq: Seq,
    /// What happened.
    #[schema(value_type = String, example = "offer.accepted")]
    kind: Arc<str>,
    /// The event's own fields.
    #[schema(value_type = Object)]
    data: EventData,
    /// Whether `data` has a text that is not shown, since no reason was given.
    is_text_hidden: bool,
    /// The user who caused it; null for the system.
    by: Option<UserId>,
    at: Timestamp,
}

/// The data of an event.
#[derive(Serialize)]
#[serde(untagged)]
enum EventData {
    Whole(Arc<RawValue>),
    /// Without the texts.
    Hidden(Map<String, Value>),
}

impl EventView {
    fn of(event: Envelope, shows_texts: bool) -> Self {
        let hidden = if shows_texts { None } else { without_texts(&event.data) };
        Self {
            seq: event.seq,
            kind: event.kind,
            is_text_hidden: hidden.is_some(),
            data: hidden.map_or_else(|| EventData::Whole(event.data), EventData::Hidden),
            by: event.by,
            at: event.at,
        }
    }
}

/// The data without the texts; `None` if they have none.
fn without_texts(data: &RawValue) -> Option<Map<String, Value>> {
    let mut fields: Map<String, Value> = serde_json::from_str(data.get()).ok()?;
    hide_texts(&mut fields).then_some(fields)
}

/// Whether there was any.
fn hide_texts(fields: &mut Map<String, Value>) -> bool {
    let mut has_hidden = false;
    for (name, value) in fields {
        if TEXTS.contains(&name.as_str()) {
            has_hidden |= !std::mem::take(value).is_null();
        } else {
            has_hidden |= hide_within(value);
        }
    }
    has_hidden
}

fn hide_within(value: &mut Value) -> bool {
    match value {
        Value::Object(fields) => hide_texts(fields),
        Value::Array(items) => {
            items.iter_mut().fold(false, |has_hidden, item| hide_within(item) | has_hidden)
        }
        _ => false,
    }
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogQuery {
    /// Only events after this position; the newest ones without it.
    #[param(minimum = 0)]
    after: Option<u64>,
    /// At most so many events: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// Why the texts must be read, for the audit trail: 1 to 500 characters. Without it they are null.
    #[param(value_type = Option<Reason>)]
    reason: Option<String>,
}

/// What was said in a room, oldest first: the newest events, or those after a position.
///
/// What people wrote to each other is shown for a reason only. Journals, conversations, simulations and users' own rooms
/// are not shown at all.
#[utoipa::path(
    operation_id = "readRoomLog",
    params(("room" = String, Path, description = "the room", example = "market:plumbing"), LogQuery),
    responses((status = 200, body = LogView))
)]
#[get("/admin/rooms/{room}/events")]
pub(super) async fn read(
    app: Data<App>,
    caller: Caller,
    Id(room): Id<Room>,
    Query(query): Query<LogQuery>,
) -> Result<HttpResponse, Problem> {
    let page: Page<Seq> = PageQuery { limit: query.limit, cursor: None }.parse(&app)?;
    let reason = query.reason.as_deref().map(Reason::parse).transpose();
    let reason = reason.map_err(|error| Error::invalid("reason", error))?;
    let shows_texts = reason.is_some();
    let (scope, named, after) = (caller.0, room.clone(), query.after.map(Seq));
    let log =
        app.db.read(move |uow| oversight::read_log(uow, &scope, &named, after, page.limit, reason.as_ref()));
    let log = log.await?;
    let items = log.events.into_iter().map(|event| EventView::of(event, shows_texts)).collect();
    Ok(HttpResponse::Ok().json(LogView { room, tail: log.tail, head: log.head, items }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(data: &str) -> Option<String> {
        let data = RawValue::from_string(data.to_owned()).unwrap();
        without_texts(&data).map(|fields| Value::Object(fields).to_string())
    }

    #[test]
    fn texts_are_hidden_at_any_depth_and_nothing_else_is() {
        let task = r#"{"id":"t","task":{"checklist":[{"text":"a"}],"labels":["b"],"title":"c"},"text":"d"}"#;
        let expected = r#"{"id":"t","task":{"checklist":null,"labels":null,"title":"c"},"text":null}"#;
        assert_eq!(hidden(task).as_deref(), Some(expected));
        assert_eq!(
            hidden(r#"{"all":[{"state":"open"},{"message":"x"}]}"#).as_deref(),
            Some(r#"{"all":[{"state":"open"},{"message":null}]}"#)
        );
        for shown in [r#"{"state":"open","at":1}"#, r#"{"text":null}"#, "[]"] {
            assert_eq!(hidden(shown), None, "{shown}");
        }
    }
}
