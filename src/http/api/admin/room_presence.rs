//! `/admin/rooms/{room}/presence`: who was in a room when an event was sent.

use std::collections::{BTreeSet, HashMap};

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::domain::Error;
use crate::domain::oversight::{self, Visibility};
use crate::domain::users::repository as users;
use crate::http::{Caller, Id, Problem, Query};
use crate::hub::MembershipSpan;
use crate::ids::{ConnectionId, Room, Seq, UserId};

/// Most connections listed.
const LISTED: usize = 1_000;

/// Who was in a room of this server when an event was sent.
#[derive(Serialize, ToSchema)]
#[schema(as = RoomPresence)]
struct PresenceView {
    #[schema(value_type = String, example = "market:plumbing")]
    room: Room,
    /// The position that was asked for; null for now.
    at: Option<Seq>,
    /// From this position on nobody is missing; at earlier ones more may have been there. Null if nothing is known of
    /// the room.
    known_since: Option<Seq>,
    /// Number of users.
    users: usize,
    /// Number of connections.
    connections: usize,
    /// The connections, the first that was opened first; at most 1,000. Null for private rooms (`entry:`,
    /// `conversation:`, `simulation:`, `user:`).
    members: Option<Vec<MemberView>>,
}

/// A connection that was in a room.
#[derive(Serialize, ToSchema)]
#[schema(as = RoomMember)]
struct MemberView {
    connection_id: ConnectionId,
    /// Whose connection it is: that of an admin who views as somebody else is the admin's.
    user_id: UserId,
    /// The user's email address; null for synthetic users of load tests.
    user_email: Option<String>,
    /// The room's newest position when it joined: it was sent the events after this one.
    joined_after: Seq,
    /// The last event that it was sent before it left; null if it is still there.
    left_after: Option<Seq>,
}

impl MemberView {
    fn of(span: &MembershipSpan, emails: &HashMap<UserId, String>) -> Self {
        Self {
            connection_id: span.connection,
            user_id: span.user,
            user_email: emails.get(&span.user).cloned(),
            joined_after: span.after,
            left_after: span.until,
        }
    }
}

/// Which moment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PresenceQuery {
    /// The position of an event. Without it, and for a position that has no event yet: now.
    #[param(minimum = 1)]
    at: Option<u64>,
}

/// Who was in a room when the event at a position was sent.
///
/// Told by positions, not by times. Kept are the memberships of this server that ended within the last hour, at most 10,000,
/// in its memory: a server that restarts has forgotten them, and each server knows its own.
#[utoipa::path(
    operation_id = "readRoomPresence",
    params(("room" = String, Path, description = "the room", example = "market:plumbing"), PresenceQuery),
    responses((status = 200, body = PresenceView))
)]
#[get("/admin/rooms/{room}/presence")]
pub(super) async fn read(
    app: Data<App>,
    caller: Caller,
    Id(room): Id<Room>,
    Query(query): Query<PresenceQuery>,
) -> Result<HttpResponse, Problem> {
    if query.at == Some(0) {
        return Err(Error::invalid("at", "must be a position: 1 or more").into());
    }
    let at = query.at.map(Seq);
    let (scope, named) = (caller.0, room.clone());
    let visibility = app.db.read(move |uow| oversight::list_presence(uow, &scope, &named)).await?;
    let presence = app.hub.present_at(room.clone(), at.unwrap_or(Seq(u64::MAX))).await?;
    let mut spans = presence.members;
    let connections = spans.len();
    let users = spans.iter().map(|span| span.user).collect::<BTreeSet<_>>().len();
    let members = if visibility == Visibility::Members {
        spans.sort_unstable_by_key(|span| span.connection);
        spans.truncate(LISTED);
        let named: Vec<UserId> = spans.iter().map(|span| span.user).collect();
        let emails = app.db.read(move |uow| users::emails_of(uow, named)).await?;
        Some(spans.iter().map(|span| MemberView::of(span, &emails)).collect())
    } else {
        None
    };
    let known_since = presence.known_since;
    Ok(HttpResponse::Ok().json(PresenceView { room, at, known_since, users, connections, members }))
}
