//! `/conversations`: conversations with the assistant, for their owners only.

mod messages;

use actix_web::{HttpResponse, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::conversations::{self, Conversation, ConversationTitle, NewConversation};
use crate::http::feature_routes::FeatureRoutes;
use crate::http::{
    Body, Fields, Id, IdempotentCall, IfMatch, MaybeBody, PageQuery, Paged, Problem, Query, ReadCall, Reply,
};
use crate::ids::ConversationId;

/// All routes under `/conversations`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes.service(list).service(create).service(get_one).service(rename).service(remove);
    routes
        .service(messages::list)
        .service(messages::send)
        .service(messages::get_one)
        .service(messages::answer_newest);
}

/// A conversation with the assistant.
#[derive(Serialize, ToSchema)]
#[schema(as = Conversation)]
struct ConversationView {
    id: ConversationId,
    /// The room in which the assistant's messages arrive live.
    #[schema(example = "conversation:01890a5d-ac96-774b-bcce-b302099a8057")]
    room: String,
    title: Option<ConversationTitle>,
    /// Whether it is used where no conversation is given.
    is_default: bool,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Conversation> for ConversationView {
    fn from(conversation: Conversation) -> Self {
        Self {
            id: conversation.id,
            room: conversation.room().to_string(),
            title: conversation.title,
            is_default: conversation.is_default,
            version: conversation.version,
            created_at: conversation.created_at,
            updated_at: conversation.updated_at,
        }
    }
}

/// Your conversations, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<ConversationView>)))]
#[get("/conversations")]
async fn list(call: ReadCall, Query(page): Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| {
        Reply::ok(&Paged::of(conversations::list(uow, scope, page)?.map(ConversationView::from)))
    })
    .await
}

/// A new conversation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateConversation {
    /// 1 to 120 characters.
    #[schema(value_type = Option<ConversationTitle>)]
    title: Option<String>,
}

impl CreateConversation {
    fn parse(self) -> Result<NewConversation, Error> {
        let mut fields = Fields::default();
        let title = fields.take_optional("title", self.title.as_deref().map(ConversationTitle::parse));
        fields.finish(title.map(|title| NewConversation { title }))
    }
}

/// Create a conversation.
#[utoipa::path(request_body = Option<CreateConversation>, responses((status = 201, body = ConversationView)))]
#[post("/conversations")]
async fn create(
    MaybeBody(body): MaybeBody<CreateConversation>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let new = body.unwrap_or_default().parse()?;
    call.run_private(move |uow, _, scope| {
        let conversation = conversations::create(uow, scope, &new)?;
        let (location, version) = (format!("/conversations/{}", conversation.id), conversation.version);
        Ok(Reply::created(location, &ConversationView::from(conversation))?.etag(version))
    })
    .await
}

/// A conversation.
#[utoipa::path(responses((status = 200, body = ConversationView), (status = 304)))]
#[get("/conversations/{id}")]
async fn get_one(call: ReadCall, Id(id): Id<ConversationId>) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let conversation = conversations::find(uow, scope, id)?.into_row();
        let version = conversation.version;
        Ok(Reply::ok(&ConversationView::from(conversation))?.etag(version))
    })
    .await
}

/// A new title.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameConversation {
    /// 1 to 120 characters, or null to remove it: the next message gives the conversation its title then.
    #[schema(value_type = Option<ConversationTitle>)]
    title: Option<String>,
}

/// Rename a conversation.
#[utoipa::path(
    params(IfMatch),
    request_body = RenameConversation,
    responses((status = 200, body = ConversationView))
)]
#[patch("/conversations/{id}")]
async fn rename(
    Id(id): Id<ConversationId>,
    Body(body): Body<RenameConversation>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    let title = body.title.as_deref().map(ConversationTitle::parse).transpose();
    let title = title.map_err(|error| Error::invalid("title", error))?;
    call.run_private(move |uow, _, scope| {
        let conversation = conversations::rename(uow, scope, id, title.as_ref(), seen)?;
        let version = conversation.version;
        Ok(Reply::ok(&ConversationView::from(conversation))?.etag(version))
    })
    .await
}

/// Delete a conversation for good: its messages, and the log of its room.
#[utoipa::path(params(IfMatch), responses((status = 204, description = "Deleted")))]
#[delete("/conversations/{id}")]
async fn remove(
    Id(id): Id<ConversationId>,
    call: IdempotentCall,
    IfMatch(seen): IfMatch,
) -> Result<HttpResponse, Problem> {
    let answers = call.app().answers.clone();
    to_the_end(async move {
        let done = call
            .run(move |uow, scope| {
                conversations::delete(uow, scope, id, seen)?;
                Ok(Reply::no_content())
            })
            .await?;
        answers.conversation_deleted(id);
        Ok(done)
    })
    .await
}

/// Runs a call in a task of its own, which goes on when the client leaves: what is committed must also take effect.
async fn to_the_end(
    call: impl Future<Output = Result<HttpResponse, Problem>> + 'static,
) -> Result<HttpResponse, Problem> {
    match actix_web::rt::spawn(call).await {
        Ok(answer) => answer,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
