//! `/sessions/{id}/messages`: the messages of a chat session, also for clients without a WebSocket.

use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::Error;
use crate::domain::sessions::{self, ClientMsgId, Message, MessageText, SendMessage, Sent};
use crate::http::{Body, Fields, Id, IdempotentCall, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{MessageId, Seq, SessionId, UserId};

/// A message.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
struct MessageView {
    id: MessageId,
    session_id: SessionId,
    /// The sender.
    user_id: UserId,
    /// The id that the sender's client gave it.
    client_msg_id: String,
    text: String,
    /// Its position in the session's room.
    seq: Seq,
    at: Timestamp,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            session_id: message.session_id,
            user_id: message.user_id,
            client_msg_id: message.client_msg_id,
            text: message.text,
            seq: message.seq,
            at: message.created_at,
        }
    }
}

/// The messages of a session, newest first.
#[utoipa::path(
    operation_id = "listMessages",
    params(PageQuery),
    responses((status = 200, body = Paged<MessageView>))
)]
#[get("/sessions/{id}/messages")]
pub(super) async fn list(
    call: ReadCall,
    Id(id): Id<SessionId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| {
        let session = sessions::find(uow, scope, id)?;
        let slice = sessions::messages(uow, &session, page)?;
        Reply::ok(&Paged::of(slice.map(MessageView::from)))
    })
    .await
}

/// A new message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMessage {
    /// 1 to 4,000 characters.
    #[schema(min_length = 1, max_length = 4_000)]
    text: String,
    /// Your own id for this message, 1 to 64 characters: a message sent again with it is stored once.
    #[schema(min_length = 1, max_length = 64)]
    client_msg_id: Option<String>,
}

impl NewMessage {
    fn parse(self, session: SessionId, now: Timestamp) -> Result<SendMessage, Error> {
        let mut fields = Fields::default();
        let text = fields.take("text", MessageText::parse(&self.text));
        let name = match &self.client_msg_id {
            Some(name) => ClientMsgId::parse(name),
            None => Ok(ClientMsgId::fresh(now)),
        };
        let client_msg_id = fields.take("client_msg_id", name);
        let message = || Some(SendMessage { session, client_msg_id: client_msg_id?, text: text? });
        fields.finish(message())
    }
}

/// The stored message.
#[derive(Serialize, ToSchema)]
#[schema(as = Sent)]
struct SentView {
    id: MessageId,
    client_msg_id: String,
    /// Its position in the session's room.
    seq: Seq,
    /// When it was first stored.
    at: Timestamp,
}

/// Send a message. With a `client_msg_id` or an `Idempotency-Key` it can safely be sent again.
#[utoipa::path(
    operation_id = "sendMessage",
    request_body = NewMessage,
    responses((status = 201, body = SentView), (status = 200, body = SentView, description = "Already stored under this client_msg_id"))
)]
#[post("/sessions/{id}/messages")]
pub(super) async fn send(
    Id(id): Id<SessionId>,
    Body(body): Body<NewMessage>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let message = body.parse(id, call.app().clock.now())?;
    call.run(move |uow, scope| {
        let Sent { id, seq, at, event } = sessions::send_message(uow, scope, &message)?;
        let view = SentView { id, client_msg_id: message.client_msg_id.as_str().to_owned(), seq, at };
        if event.is_none() {
            return Reply::ok(&view);
        }
        Reply::created(format!("/sessions/{}/messages", message.session), &view)
    })
    .await
}
