//! The `chat_message` command.

use crate::domain::sessions::{ClientMsgId, MessageText, SendMessage, send_message};
use crate::ids::Room;
use crate::protocol::AckBody;
use crate::secret::Secret;

use super::{Outcome, Refusal, SessionContext, answers};

/// Sends a message. Answered only once it is committed; a retry with the same `client_msg_id` gets the same
/// answer.
pub(super) async fn send(
    caller: &SessionContext,
    room: &Room,
    text: &Secret<String>,
    client_msg_id: Option<String>,
) -> Result<Outcome, Refusal> {
    let client_msg_id = client_msg_id.unwrap_or_else(|| caller.scope.call().to_string());
    let name = || ClientMsgId::parse(&client_msg_id).map_err(|must| Refusal::invalid("client_msg_id", &must));
    let text = || MessageText::parse(text.expose()).map_err(|must| Refusal::invalid("text", &must));
    let session = match room {
        Room::Session(session) => *session,
        Room::Conversation(conversation) => {
            return answers::send(caller, *conversation, text()?, name()?).await;
        }
        _ => {
            let must = "must be a session: or a conversation: room; only there is chat";
            return Err(Refusal::invalid("room", must));
        }
    };
    let command = SendMessage { session, client_msg_id: name()?, text: text()? };
    let scope = caller.scope.clone();
    let sent = caller.db().write(move |uow| send_message(uow, &scope, &command)).await?;
    let answer = AckBody::Sent {
        seq: sent.seq,
        message_id: sent.id,
        client_msg_id,
        at: sent.at,
        answer_id: None,
        quota_warning: None,
    };
    Ok(match sent.event {
        Some(event) => Outcome::Caused(answer, event),
        None => Outcome::Answer(answer),
    })
}
