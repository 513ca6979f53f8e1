//! Use cases of messages: sending, reading, and storing the assistant's answers.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::db::UnitOfWork;
use crate::domain::conversations::service::{find as find_conversation, find_for_message, load};
use crate::domain::conversations::title::title_of;
use crate::domain::conversations::{Conversation, ConversationUpdated, repository as conversations};
use crate::domain::policy::{Authorized, Need, Scope, by_system};
use crate::domain::quotas::{self, DailyLimits, Usage};
use crate::domain::sessions::{ClientMsgId, MessageText};
use crate::domain::users::logins;
use crate::domain::{Error, Kind, Page, Slice};
use crate::ids::{ConversationId, MessageId, Seq};

use super::{Author, ContextBudget, ConversationMessage, ConversationMessageSent, repository};

/// Messages that are read at once while a context is put together.
const CONTEXT_PAGE: u16 = 32;

/// A message to the assistant.
#[derive(Clone, Debug)]
pub(crate) struct SendToAssistant {
    /// The conversation to say it in.
    pub(crate) conversation: ConversationId,
    /// Idempotency key of the sender.
    pub(crate) client_msg_id: ClientMsgId,
    /// The message text.
    pub(crate) text: MessageText,
}

/// Result of sending a message to the assistant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Primary key of the message.
    pub(crate) id: MessageId,
    /// Position in the conversation's room.
    pub(crate) seq: Seq,
    /// When it was sent; for a repetition, the first time.
    pub(crate) at: Timestamp,
    /// The id that the answer has or will have.
    pub(crate) answer: MessageId,
    /// Whether this call repeated an earlier one.
    pub(crate) repeated: bool,
    /// What is used of the day's quotas, if this call has counted.
    pub(crate) usage: Option<Usage>,
}

impl Asked {
    /// `None` for an answer, which nobody asks.
    fn of(message: &ConversationMessage, repeated: bool) -> Option<Self> {
        let ConversationMessage { id, seq, created_at: at, answer_id, .. } = *message;
        answer_id.map(|answer| Self { id, seq, at, answer, repeated, usage: None })
    }
}

/// An answer to store: whole, never a part of one. No `Debug`, so that its text reaches no log.
#[derive(Clone)]
pub(crate) struct NewAnswer {
    /// The conversation.
    pub(crate) conversation: ConversationId,
    /// The message that it answers.
    pub(crate) answers_to: MessageId,
    /// The name of the generator.
    pub(crate) generator: &'static str,
    /// The text itself.
    pub(crate) text: String,
}

/// Sends a message to the assistant: exactly once for each `client_msg_id` in a conversation, whatever retries
/// and races occur. The first one gives the conversation its title, if it has none.
///
/// Taking the room's next position serializes the senders. Of two that send the same message concurrently, the
/// second violates the unique key, is retried by the writer, and then finds the first one's message. A
/// repetition counts towards no quota. `admit` refuses a new message whose answer could not be ordered.
pub(crate) fn send(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    command: &SendToAssistant,
    limits: &DailyLimits,
    admit: impl FnOnce() -> Result<(), Error>,
) -> Result<Asked, Error> {
    let conversation = find_for_message(uow, scope, command.conversation)?;
    if let Some(known) = repository::named(uow, conversation.id, &command.client_msg_id)? {
        return Asked::of(&known, true).ok_or(Error::NotFound(Kind::Message));
    }
    admit()?;
    let at = uow.now();
    let message = ConversationMessage {
        id: MessageId::new(at),
        conversation_id: conversation.id,
        author: Author::User,
        client_msg_id: Some(command.client_msg_id.as_str().to_owned()),
        text: command.text.as_str().to_owned(),
        seq: Seq::START,
        answer_id: Some(MessageId::new(at)),
        answers_to: None,
        generator: None,
        created_at: at,
    };
    let (conversation, message) = append(uow, scope, &conversation, message)?;
    let usage = quotas::take_message(uow, scope.user(), limits)?;
    if conversation.title.is_none()
        && let Some(title) = title_of(&message.text)
        && conversations::set_title(uow, &conversation, Some(&title))? == 1
    {
        let (version, owner) = (conversation.version + 1, conversation.user_id);
        let event = ConversationUpdated { conversation_id: conversation.id, version, owner };
        uow.record(Some(scope.user()), &event);
    }
    let asked = Asked::of(&message, false).ok_or(Error::NotFound(Kind::Message))?;
    Ok(Asked { usage: Some(usage), ..asked })
}

/// Stores an answer, if the conversation and the message still exist, the message has none yet, and the caller
/// for whom it was written may still have it.
pub(crate) fn store_answer(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    new: &NewAnswer,
) -> Result<ConversationMessage, Error> {
    let conversation = find_for_message(uow, scope, new.conversation)?;
    // Whoever was suspended or logged out while it was being written gets nothing more.
    check_login(uow, scope)?;
    let question = repository::find(uow, conversation.id, new.answers_to)?;
    let id = question.and_then(|question| question.answer_id).ok_or(Error::NotFound(Kind::Message))?;
    if repository::find(uow, conversation.id, id)?.is_some() {
        return Err(already_answered());
    }
    let message = ConversationMessage {
        id,
        conversation_id: conversation.id,
        author: Author::Assistant,
        client_msg_id: None,
        text: new.text.clone(),
        seq: Seq::START,
        answer_id: None,
        answers_to: Some(new.answers_to),
        generator: Some(new.generator.to_owned()),
        created_at: uow.now(),
    };
    let (_, message) = append(uow, scope, &conversation, message)?;
    quotas::add_characters(uow, scope.user(), message.text.chars().count())?;
    Ok(message)
}

/// The conversation's messages, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    conversation: ConversationId,
    page: Page<Seq>,
) -> Result<Slice<ConversationMessage, Seq>, Error> {
    let conversation = find_conversation(uow, scope, conversation)?;
    let rows = repository::before(uow, conversation.id, page.before, page.fetch())?;
    Ok(page.slice(rows, |message| message.seq))
}

/// A message of the conversation.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    conversation: ConversationId,
    id: MessageId,
) -> Result<Option<ConversationMessage>, Error> {
    let conversation = find_conversation(uow, scope, conversation)?;
    Ok(repository::find(uow, conversation.id, id)?)
}

/// Whether the conversation has this message. The caller must have been authorized for the conversation.
pub(crate) fn is_stored(
    uow: &mut UnitOfWork<'_>,
    conversation: ConversationId,
    id: MessageId,
) -> Result<bool, Error> {
    Ok(repository::find(uow, conversation, id)?.is_some())
}

/// The message whose answer has this id, unless the answer is stored. The caller must have been authorized for
/// the conversation.
pub(crate) fn awaiting(
    uow: &mut UnitOfWork<'_>,
    conversation: ConversationId,
    answer: MessageId,
) -> Result<Option<Asked>, Error> {
    if is_stored(uow, conversation, answer)? {
        return Ok(None);
    }
    let question = repository::question_of(uow, conversation, answer)?;
    Ok(question.and_then(|message| Asked::of(&message, true)))
}

/// The newest message of the caller without an answer, which the caller may have answered.
///
/// # Errors
/// Also if the plan's generated characters of the day are used up.
pub(crate) fn newest_unanswered(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    conversation: ConversationId,
    limits: &DailyLimits,
) -> Result<Option<Asked>, Error> {
    let conversation = find_for_message(uow, scope, conversation)?;
    quotas::check_characters(uow, scope.user(), limits)?;
    let newest = repository::newest_unanswered(uow, conversation.id)?;
    Ok(newest.and_then(|message| Asked::of(&message, true)))
}

/// What a generator is given to answer a message, oldest first: as many of the newest messages as fit into the
/// budget, whole, and then the message itself. Messages that the user has sent since are left out: they have
/// answers of their own.
pub(crate) fn question(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    conversation: ConversationId,
    message: MessageId,
    budget: ContextBudget,
    limits: &DailyLimits,
) -> Result<Vec<ConversationMessage>, Error> {
    let conversation = find_for_message(uow, scope, conversation)?;
    check_login(uow, scope)?;
    quotas::check_characters(uow, scope.user(), limits)?;
    let asked = repository::find(uow, conversation.id, message)?.ok_or(Error::NotFound(Kind::Message))?;
    if let Some(answer) = asked.answer_id
        && repository::find(uow, conversation.id, answer)?.is_some()
    {
        return Err(already_answered());
    }
    let Some(mut room) = budget.after(&asked.text) else { return Ok(vec![budget.cut(asked)]) };
    let is_left_out = |message: &ConversationMessage| {
        message.id == asked.id || (message.author == Author::User && message.seq > asked.seq)
    };
    let (mut newest_first, mut before) = (Vec::new(), None);
    'pages: loop {
        let page = repository::before(uow, conversation.id, before, CONTEXT_PAGE.into())?;
        let is_last = page.len() < usize::from(CONTEXT_PAGE);
        before = page.last().map(|message| message.seq);
        for message in page {
            if is_left_out(&message) {
                continue;
            }
            let Some(rest) = room.after(&message.text) else { break 'pages };
            room = rest;
            newest_first.push(message);
        }
        if is_last {
            break;
        }
    }
    newest_first.insert(0, asked);
    newest_first.reverse();
    Ok(newest_first)
}

/// The refusal to answer a message while it is being answered.
pub(crate) fn already_answering() -> Error {
    Error::Taken { code: "in_progress", detail: "the message is being answered" }
}

/// The refusal to cancel what is not being written.
pub(crate) fn not_answering() -> Error {
    Error::Taken { code: "not_in_progress", detail: "no answer in this conversation is being written" }
}

/// The refusal to answer where every message has an answer.
pub(crate) fn nothing_to_answer() -> Error {
    Error::Taken { code: "nothing_to_answer", detail: "every message in this conversation has an answer" }
}

/// The refusal of yet another message while so many wait for their answers.
pub(crate) fn too_many_waiting() -> Error {
    let detail =
        "as many messages of this conversation wait for an answer as may; wait for one to be written";
    Error::Limited { detail, retry_after: Duration::from_secs(5) }
}

/// Requires that the caller was not suspended or logged out since the call.
fn check_login(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<(), Error> {
    match logins::is_still_valid(uow, scope)? {
        true => Ok(()),
        false => Err(Error::Forbidden { action: "message", kind: Kind::Conversation, needed: Need::Owner }),
    }
}

fn already_answered() -> Error {
    Error::Taken { code: "already_answered", detail: "this message has an answer already" }
}

/// Gives a message its position and stores it. Returns the conversation as it is now that nobody else appends.
fn append(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    conversation: &Authorized<Conversation>,
    message: ConversationMessage,
) -> Result<(Authorized<Conversation>, ConversationMessage), Error> {
    let by = (message.author == Author::User).then_some(scope.user());
    let event = ConversationMessageSent::new(&message);
    let seq = uow.append(&conversation.room(), by, &event)?.seq;
    // Whoever deletes the conversation erases the log of its room first, for which the append has waited.
    let conversation = by_system(load(uow, conversation.id)?);
    let message = ConversationMessage { seq, ..message };
    repository::insert(uow, &conversation, &message)?;
    Ok((conversation, message))
}
