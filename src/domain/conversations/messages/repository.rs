//! Storage of messages: queries and writes, no decisions. Writes need an [`Authorized`] conversation.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::db::schema::conversation_messages as messages;
use crate::db::{DbError, UnitOfWork};
use crate::domain::conversations::Conversation;
use crate::domain::policy::Authorized;
use crate::domain::sessions::ClientMsgId;
use crate::ids::{ConversationId, MessageId, Seq};

use super::{Author, ConversationMessage};

pub(super) fn find(
    uow: &mut UnitOfWork<'_>,
    conversation: ConversationId,
    id: MessageId,
) -> Result<Option<ConversationMessage>, DbError> {
    let query = messages::table.find(id).filter(messages::conversation_id.eq(conversation));
    Ok(query.select(ConversationMessage::as_select()).get_result(uow.conn()).optional()?)
}

/// The user's message of this name.
pub(super) fn named(
    uow: &mut UnitOfWork<'_>,
    conversation: ConversationId,
    name: &ClientMsgId,
) -> Result<Option<ConversationMessage>, DbError> {
    let query = messages::table
        .filter(messages::conversation_id.eq(conversation).and(messages::client_msg_id.eq(name.as_str())));
    Ok(query.select(ConversationMessage::as_select()).get_result(uow.conn()).optional()?)
}

/// The user's message whose answer has this id, whether it is there or not.
pub(super) fn question_of(
    uow: &mut UnitOfWork<'_>,
    conversation: ConversationId,
    answer: MessageId,
) -> Result<Option<ConversationMessage>, DbError> {
    let query = messages::table
        .filter(messages::conversation_id.eq(conversation).and(messages::answer_id.eq(answer)));
    Ok(query.select(ConversationMessage::as_select()).get_result(uow.conn()).optional()?)
}

/// Up to `limit` messages before `before`, newest first.
pub(super) fn before(
    uow: &mut UnitOfWork<'_>,
    conversation: ConversationId,
    before: Option<Seq>,
    limit: i64,
) -> Result<Vec<ConversationMessage>, DbError> {
    Ok(messages::table
        .filter(messages::conversation_id.eq(conversation))
        .filter(messages::seq.lt(before.map_or(i64::MAX, Seq::as_i64)))
        .order(messages::seq.desc())
        .limit(limit)
        .select(ConversationMessage::as_select())
        .load(uow.conn())?)
}

/// The user's newest message without an answer.
pub(super) fn newest_unanswered(
    uow: &mut UnitOfWork<'_>,
    conversation: ConversationId,
) -> Result<Option<ConversationMessage>, DbError> {
    let answers = diesel::alias!(crate::db::schema::conversation_messages as answers);
    let answer = answers.filter(answers.field(messages::answers_to).eq(messages::id.nullable()));
    Ok(messages::table
        .filter(messages::conversation_id.eq(conversation))
        .filter(messages::author.eq(Author::User))
        .filter(not(exists(answer)))
        .order(messages::seq.desc())
        .limit(1)
        .select(ConversationMessage::as_select())
        .get_result(uow.conn())
        .optional()?)
}

pub(super) fn insert(
    uow: &mut UnitOfWork<'_>,
    conversation: &Authorized<Conversation>,
    message: &ConversationMessage,
) -> Result<(), DbError> {
    diesel::insert_into(messages::table)
        .values((
            messages::id.eq(message.id),
            messages::conversation_id.eq(conversation.id),
            messages::author.eq(message.author),
            messages::client_msg_id.eq(&message.client_msg_id),
            messages::text.eq(&message.text),
            messages::seq.eq(message.seq.as_i64()),
            messages::answer_id.eq(message.answer_id),
            messages::answers_to.eq(message.answers_to),
            messages::generator.eq(&message.generator),
            messages::created_at.eq(message.created_at),
        ))
        .execute(uow.conn())?;
    Ok(())
}
