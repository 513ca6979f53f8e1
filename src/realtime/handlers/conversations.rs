//! The commands `create_conversation`, `rename_conversation` and `delete_conversation`.

use crate::domain::Error;
use crate::domain::conversations::{self, ConversationTitle, NewConversation};
use crate::ids::ConversationId;
use crate::protocol::AckBody;
use crate::secret::Secret;

use super::{Outcome, Refusal, SessionContext};

/// Creates a conversation. It is not joined: `join_chat` does that.
pub(super) async fn create(
    caller: &SessionContext,
    wanted: Option<Secret<String>>,
) -> Result<Outcome, Refusal> {
    let new = NewConversation { title: wanted.as_ref().map(title).transpose()? };
    let scope = caller.scope.clone();
    let created = caller.db().write(move |uow| conversations::create(uow, &scope, &new)).await?;
    let (room, version) = (created.room(), created.version);
    Ok(Outcome::Answer(AckBody::Conversation { conversation_id: created.id, room, version }))
}

/// Gives a conversation another title.
pub(super) async fn rename(
    caller: &SessionContext,
    id: ConversationId,
    wanted: &Secret<String>,
    seen: Option<i64>,
) -> Result<Outcome, Refusal> {
    let (scope, title) = (caller.scope.clone(), title(wanted)?);
    let renamed =
        caller.db().write(move |uow| conversations::rename(uow, &scope, id, Some(&title), seen)).await?;
    Ok(Outcome::Answer(AckBody::Renamed { version: renamed.version }))
}

/// Deletes a conversation and everything in it.
pub(super) async fn delete(
    caller: &SessionContext,
    id: ConversationId,
    seen: Option<i64>,
) -> Result<Outcome, Refusal> {
    let (scope, db, answers) =
        (caller.scope.clone(), caller.db().clone(), caller.gateway.app().answers.clone());
    // A task of its own, which goes on when the session ends: what is committed must also take effect.
    let deleted = tokio::spawn(async move {
        db.write(move |uow| conversations::delete(uow, &scope, id, seen)).await?;
        answers.conversation_deleted(id);
        Ok::<_, Error>(())
    });
    match deleted.await {
        Ok(deleted) => deleted.map(|()| Outcome::Done).map_err(Refusal::from),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

fn title(given: &Secret<String>) -> Result<ConversationTitle, Refusal> {
    ConversationTitle::parse(given.expose()).map_err(|must| Refusal::invalid("title", &must))
}
