//! `/sessions`: chat sessions between consumers and providers.

mod messages;

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::policy::{Scope, allowed_changes};
use crate::domain::sessions::{self, Chat, Overview, Session};
use crate::http::feature_routes::FeatureRoutes;
use crate::http::schema::changes;
use crate::http::{Id, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{BookingId, RequestId, Seq, SessionId, UserId};

/// All routes under `/sessions`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes.service(list).service(get_one);
    routes.service(messages::list).service(messages::send);
}

/// A chat session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionView {
    id: SessionId,
    /// The room of its live messages.
    #[schema(example = "session:01890a5d-ac96-774b-bcce-b302099a8057")]
    room: String,
    /// The request that it is about.
    request_id: RequestId,
    /// The booking, if the offer was accepted.
    booking_id: Option<BookingId>,
    consumer: PartyView,
    provider: PartyView,
    /// Position of the newest event in its room: messages and changes of offers.
    head: Seq,
    /// How far you have read.
    read: Seq,
    /// What you may do in it.
    #[schema(schema_with = changes::<Chat>)]
    allowed_actions: Vec<&'static str>,
    created_at: Timestamp,
}

/// A party of a session.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionParty)]
struct PartyView {
    user_id: UserId,
    /// Null if the user no longer has a profile.
    display_name: Option<String>,
}

impl SessionView {
    fn of(scope: &Scope, session: &Session, overview: Overview) -> Self {
        let Overview { consumer_name, provider_name, head, read } = overview;
        Self {
            id: session.id,
            room: session.room().to_string(),
            request_id: session.request_id,
            booking_id: session.booking_id,
            consumer: PartyView { user_id: session.consumer_user_id, display_name: consumer_name },
            provider: PartyView { user_id: session.provider_user_id, display_name: provider_name },
            head,
            read,
            allowed_actions: allowed_changes(scope, &session.chat()),
            created_at: session.created_at,
        }
    }
}

/// Your own sessions, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<SessionView>)))]
#[get("/sessions")]
async fn list(call: ReadCall, Query(page): Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = sessions::list(uow, scope, page)?;
        let mut overviews = sessions::overviews(uow, scope, &slice.items)?;
        let view = |session: Session| {
            let overview = overviews.remove(&session.id).unwrap_or_default();
            SessionView::of(scope, &session, overview)
        };
        Reply::ok(&Paged::of(slice.map(view)))
    })
    .await
}

/// A session.
#[utoipa::path(responses((status = 200, body = SessionView)))]
#[get("/sessions/{id}")]
async fn get_one(call: ReadCall, Id(id): Id<SessionId>) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let session = sessions::find(uow, scope, id)?;
        let overview = sessions::overviews(uow, scope, std::slice::from_ref(&*session))?.remove(&id);
        Reply::ok(&SessionView::of(scope, &session, overview.unwrap_or_default()))
    })
    .await
}
