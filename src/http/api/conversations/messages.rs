//! `/conversations/{id}/messages`: what was said, and saying something to the assistant without a WebSocket.

use actix_web::http::header;
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::to_the_end;
use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::conversations::messages::{self, Asked, Author, ConversationMessage, SendToAssistant};
use crate::domain::quotas::Quota;
use crate::domain::sessions::{ClientMsgId, MessageText};
use crate::domain::users::Plan;
use crate::domain::{Error, Kind};
use crate::http::api::generated::{FailureView, Status};
use crate::http::{
    Body, Fields, Id, IdempotentCall, Ids, PageQuery, Paged, Problem, Query, ReadCall, Reply,
    add_quota_headers,
};
use crate::ids::{ConversationId, MessageId, Seq};
use crate::jobs::{Answer, AnswerStatus, Terms, Unfollowed};

/// A message in a conversation: stored, or an answer that is being written or has failed.
#[derive(Serialize, ToSchema)]
#[schema(as = ConversationMessage)]
pub(super) struct MessageView {
    id: MessageId,
    conversation_id: ConversationId,
    author: Author,
    status: Status,
    /// The whole text of a stored message; the text so far of an answer that is being written.
    text: Option<String>,
    /// Its position in the conversation's room, once it is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Seq>,
    /// The id that your client gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_msg_id: Option<String>,
    /// The id that the answer to it has or will have.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_id: Option<MessageId>,
    /// The message that an answer answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    answers_to: Option<MessageId>,
    /// The generator that wrote a stored answer: `extractive`, `ollama` or `openai`.
    #[serde(skip_serializing_if = "Option::is_none")]
    generator: Option<String>,
    /// The place in line of an answer, while it waits for others to be written; 1 is next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    place: Option<usize>,
    /// When it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// Why an answer failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FailureView>,
}

impl From<ConversationMessage> for MessageView {
    fn from(message: ConversationMessage) -> Self {
        Self {
            id: message.id,
            conversation_id: message.conversation_id,
            author: message.author,
            status: Status::Done,
            text: Some(message.text),
            seq: Some(message.seq),
            client_msg_id: message.client_msg_id,
            answer_id: message.answer_id,
            answers_to: message.answers_to,
            generator: message.generator,
            place: None,
            at: Some(message.created_at),
            error: None,
        }
    }
}

impl MessageView {
    /// An answer that is not stored.
    fn unstored(conversation_id: ConversationId, id: MessageId, status: Status) -> Self {
        Self {
            id,
            conversation_id,
            author: Author::Assistant,
            status,
            text: None,
            seq: None,
            client_msg_id: None,
            answer_id: None,
            answers_to: None,
            generator: None,
            place: None,
            at: None,
            error: None,
        }
    }

    fn of_status(conversation: ConversationId, id: MessageId, status: AnswerStatus) -> Self {
        match status {
            AnswerStatus::Running(text, place) => {
                Self { text: Some(text), place, ..Self::unstored(conversation, id, Status::Running) }
            }
            AnswerStatus::Failed(failure) => {
                Self { error: Some(failure.into()), ..Self::unstored(conversation, id, Status::Failed) }
            }
        }
    }

    fn ordered(conversation: ConversationId, answer: Answer) -> Self {
        let answers_to = Some(answer.answers_to);
        Self { answers_to, ..Self::unstored(conversation, answer.id, Status::Running) }
    }
}

/// The quotas that calls of this module count towards.
const QUOTAS: [Quota; 2] = [Quota::Messages, Quota::Characters];

fn address(conversation: ConversationId, message: MessageId) -> String {
    format!("/conversations/{conversation}/messages/{message}")
}

/// The messages of a conversation, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<MessageView>)))]
#[get("/conversations/{id}/messages")]
pub(super) async fn list(
    call: ReadCall,
    Id(conversation): Id<ConversationId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| {
        Reply::ok(&Paged::of(messages::list(uow, scope, conversation, page)?.map(MessageView::from)))
    })
    .await
}

/// A new message to the assistant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MessageToAssistant {
    /// 1 to 4,000 characters.
    #[schema(min_length = 1, max_length = 4_000)]
    text: String,
    /// Your own id for this message, 1 to 64 characters: a message sent again with it is stored and answered once.
    #[schema(min_length = 1, max_length = 64)]
    client_msg_id: Option<String>,
}

impl MessageToAssistant {
    fn parse(self, conversation: ConversationId, now: Timestamp) -> Result<SendToAssistant, Error> {
        let mut fields = Fields::default();
        let text = fields.take("text", MessageText::parse(&self.text));
        let name = match &self.client_msg_id {
            Some(name) => ClientMsgId::parse(name),
            None => Ok(ClientMsgId::fresh(now)),
        };
        let client_msg_id = fields.take("client_msg_id", name);
        let message = || Some(SendToAssistant { conversation, client_msg_id: client_msg_id?, text: text? });
        fields.finish(message())
    }
}

/// Say something to the assistant: 202 with the answer that will be, once the message is stored. `Location` tells how
/// it goes. With a `client_msg_id` or an `Idempotency-Key` it can safely be sent again.
///
/// Answers of one conversation are written one after the other. What a restart ended is 404 there; the same call again
/// begins it again.
#[utoipa::path(request_body = MessageToAssistant, responses((status = 202, body = MessageView)))]
#[post("/conversations/{id}/messages")]
pub(super) async fn send(
    Id(conversation): Id<ConversationId>,
    Body(body): Body<MessageToAssistant>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let message = body.parse(conversation, call.app().clock.now())?;
    let (app, scope) = (call.app().clone(), call.scope().clone());
    let answer = to_the_end(accept(message, call)).await;
    add_quota_headers(answer, &app, &scope, &QUOTAS).await
}

async fn accept(message: SendToAssistant, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    let (app, scope, conversation) = (call.app().clone(), call.scope().clone(), message.conversation);
    let (counting, plan) = (app.clone(), scope.plan());
    let (terms, place) = (terms(&app, plan), app.answers.place(conversation));
    let taken = place.clone();
    let accepted = call
        .run(move |uow, scope| {
            let asked = messages::send(uow, scope, &message, &terms.limits, || taken.take());
            let asked = asked.inspect_err(|error| counting.count_quota_refusal(plan, error))?;
            let Asked { id: answers_to, answer: id, .. } = asked;
            let view = MessageView::ordered(conversation, Answer { id, answers_to, seq: None });
            Reply::accepted(address(conversation, id), &view)
        })
        .await?;
    // Also for a stored reply, whose answer a restart may have ended before it was whole.
    if let Some(asked) = asked(&app, conversation, &accepted).await? {
        app.answers.order(&scope, &asked, terms, &place).await?;
    }
    Ok(accepted)
}

/// The client comes for the answer: it goes on without followers.
fn terms(app: &App, plan: Plan) -> Terms {
    let (per_user, limits) = (app.limits(plan).generations, app.daily_limits(plan));
    Terms { per_user, limits, unfollowed: Unfollowed::GoesOn }
}

/// The message whose answer `Location` names, unless the answer is stored.
async fn asked(
    app: &App,
    conversation: ConversationId,
    accepted: &HttpResponse,
) -> Result<Option<Asked>, Problem> {
    let location = accepted.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    let Some(answer) = location.and_then(|location| location.rsplit('/').next()?.parse().ok()) else {
        return Ok(None);
    };
    Ok(app.db.read(move |uow| messages::awaiting(uow, conversation, answer)).await?)
}

/// A message. An answer that is being written is shown with what there is of it; one that failed is remembered for a
/// while.
#[utoipa::path(responses((status = 200, body = MessageView)))]
#[get("/conversations/{id}/messages/{message_id}")]
pub(super) async fn get_one(
    call: ReadCall,
    Ids(conversation, id): Ids<ConversationId, MessageId>,
) -> Result<HttpResponse, Problem> {
    let app = call.app().clone();
    call.read_current(move |uow, scope| {
        // Before the row is looked for: an answer that is stored meanwhile is found by one or the other.
        let status = app.answers.status(conversation, id);
        let view = match messages::find(uow, scope, conversation, id)? {
            Some(stored) => stored.into(),
            None => {
                let status = status.ok_or(Error::NotFound(Kind::Message))?;
                MessageView::of_status(conversation, id, status)
            }
        };
        Reply::ok(&view)
    })
    .await
}

/// Have the newest message answered that has no answer: after a failure or a cancellation.
#[utoipa::path(responses((status = 202, body = MessageView)))]
#[post("/conversations/{id}/answer")]
pub(super) async fn answer_newest(
    Id(conversation): Id<ConversationId>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let (app, scope) = (call.app().clone(), call.scope().clone());
    let answer = to_the_end(begin_newest(conversation, call)).await;
    add_quota_headers(answer, &app, &scope, &QUOTAS).await
}

async fn begin_newest(conversation: ConversationId, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    let (app, scope) = (call.app().clone(), call.scope().clone());
    let (counting, plan) = (app.clone(), scope.plan());
    let (terms, place) = (terms(&app, plan), app.answers.place(conversation));
    let taken = place.clone();
    let accepted = call
        .run(move |uow, scope| {
            let newest = messages::newest_unanswered(uow, scope, conversation, &terms.limits);
            let newest = newest.inspect_err(|error| counting.count_quota_refusal(plan, error))?;
            let Asked { id: answers_to, answer: id, .. } = newest.ok_or_else(messages::nothing_to_answer)?;
            taken.take_for(id)?;
            let view = MessageView::ordered(conversation, Answer { id, answers_to, seq: None });
            Reply::accepted(address(conversation, id), &view)
        })
        .await?;
    if let Some(asked) = asked(&app, conversation, &accepted).await? {
        app.answers.answer_again(&scope, &asked, terms, &place)?;
    }
    Ok(accepted)
}
