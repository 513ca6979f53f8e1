//! Storage of conversations: queries and writes, no decisions.

use diesel::prelude::*;

use crate::db::schema::conversations;
use crate::db::{DbError, UnitOfWork, each, event_log};
use crate::domain::Page;
use crate::domain::policy::{Authorized, Scope};
use crate::ids::ConversationId;

use super::{Conversation, ConversationTitle};

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: ConversationId) -> Result<Option<Conversation>, DbError> {
    let of_id = conversations::table.find(id).select(Conversation::as_select());
    Ok(of_id.get_result(uow.conn()).optional()?)
}

/// The caller's default conversation.
pub(super) fn default_of(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<Option<Conversation>, DbError> {
    Ok(conversations::table
        .filter(conversations::user_id.eq(scope.user()).and(conversations::is_default.eq(true)))
        .select(Conversation::as_select())
        .get_result(uow.conn())
        .optional()?)
}

/// The caller's conversations, newest first.
pub(super) fn of_caller(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<ConversationId>,
) -> Result<Vec<Conversation>, DbError> {
    let mut query = conversations::table.filter(conversations::user_id.eq(scope.user())).into_boxed();
    if let Some(before) = page.before {
        query = query.filter(conversations::id.lt(before));
    }
    let newest_first = query.order(conversations::id.desc()).limit(page.fetch());
    Ok(newest_first.select(Conversation::as_select()).load(uow.conn())?)
}

/// Inserts a conversation unless it is a second default one; returns whether it did.
///
/// On PostgreSQL a concurrent insert of a default conversation waits here for the first one's commit.
pub(super) fn insert_if_new(
    uow: &mut UnitOfWork<'_>,
    conversation: &Authorized<Conversation>,
) -> Result<bool, DbError> {
    let inserted = each!(uow.conn(), |c| diesel::insert_into(conversations::table)
        .values((
            conversations::id.eq(conversation.id),
            conversations::user_id.eq(conversation.user_id),
            conversations::title.eq(&conversation.title),
            conversations::is_default.eq(conversation.is_default),
            conversations::version.eq(conversation.version),
            conversations::created_at.eq(conversation.created_at),
            conversations::updated_at.eq(conversation.updated_at),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(inserted == 1)
}

/// Sets the title unless the conversation changed since it was read; returns the number of rows.
pub(super) fn set_title(
    uow: &mut UnitOfWork<'_>,
    conversation: &Authorized<Conversation>,
    title: Option<&ConversationTitle>,
) -> Result<usize, DbError> {
    let now = uow.now();
    let seen =
        conversations::table.find(conversation.id).filter(conversations::version.eq(conversation.version));
    Ok(diesel::update(seen)
        .set((
            conversations::title.eq(title),
            conversations::version.eq(conversation.version + 1),
            conversations::updated_at.eq(now),
        ))
        .execute(uow.conn())?)
}

/// Deletes a conversation with its messages and the log of its room, unless it changed since it was read;
/// returns the number of conversations.
pub(super) fn delete(
    uow: &mut UnitOfWork<'_>,
    conversation: &Authorized<Conversation>,
) -> Result<usize, DbError> {
    // First, since it waits for whoever is appending to the room.
    event_log::erase(uow.conn(), &conversation.room())?;
    let seen =
        conversations::table.find(conversation.id).filter(conversations::version.eq(conversation.version));
    Ok(diesel::delete(seen).execute(uow.conn())?)
}
