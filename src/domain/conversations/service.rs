//! Use cases of conversations: creating, reading, listing, renaming, deleting.

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Authorized, Scope, authorize, authorize_own_list};
use crate::domain::{Error, Kind, Page, Slice};
use crate::events::{Revocation, RevocationReason};
use crate::ids::ConversationId;

use super::{
    CREATE, Conversation, ConversationCreated, ConversationDeleted, ConversationTitle, ConversationUpdated,
    DELETE, MESSAGE, READ, RENAME, repository,
};

/// A conversation to create.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewConversation {
    /// Optional title.
    pub(crate) title: Option<ConversationTitle>,
}

/// Creates a conversation of the caller.
pub(crate) fn create(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    new: &NewConversation,
) -> Result<Conversation, Error> {
    let conversation = begin(uow, scope, new.title.clone(), false)?;
    let conversation = conversation.ok_or(DbError::Contended("the id is taken".into()))?;
    Ok(conversation.into_row())
}

/// The caller's default conversation.
///
/// Creates it on first use, so it needs a writable unit of work. Of concurrent first calls one creates it,
/// and all return the same.
pub fn own(uow: &mut UnitOfWork<'_>, scope: &Scope) -> Result<Authorized<Conversation>, Error> {
    if let Some(known) = repository::default_of(uow, scope)? {
        return authorize(uow, scope, known, READ);
    }
    if let Some(begun) = begin(uow, scope, None, true)? {
        return Ok(begun);
    }
    let first = repository::default_of(uow, scope)?.ok_or(Error::NotFound(Kind::Conversation))?;
    authorize(uow, scope, first, READ)
}

/// The conversation, for its owner only.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ConversationId,
) -> Result<Authorized<Conversation>, Error> {
    let conversation = load(uow, id)?;
    authorize(uow, scope, conversation, READ)
}

/// The conversation, for an owner who may say something in it and have something written.
pub(crate) fn find_for_message(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ConversationId,
) -> Result<Authorized<Conversation>, Error> {
    let conversation = load(uow, id)?;
    authorize(uow, scope, conversation, MESSAGE)
}

/// The caller's conversations, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<ConversationId>,
) -> Result<Slice<Conversation, ConversationId>, Error> {
    authorize_own_list::<Conversation>(uow, scope)?;
    let rows = repository::of_caller(uow, scope, page)?;
    Ok(page.slice(rows, |conversation| conversation.id))
}

/// Gives a conversation another title, or none; with an expected version, only if that is the current one.
pub(crate) fn rename(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ConversationId,
    title: Option<&ConversationTitle>,
    expected: Option<i64>,
) -> Result<Conversation, Error> {
    let conversation = load(uow, id)?;
    let conversation = authorize(uow, scope, conversation, RENAME)?;
    Error::if_stale(Kind::Conversation, conversation.version, expected)?;
    if conversation.title.as_ref() == title {
        return Ok(conversation.into_row());
    }
    if repository::set_title(uow, &conversation, title)? == 0 {
        return Err(DbError::Contended("the conversation changed meanwhile".into()).into());
    }
    let conversation = Conversation {
        title: title.cloned(),
        version: conversation.version + 1,
        updated_at: uow.now(),
        ..conversation.into_row()
    };
    let Conversation { version, user_id: owner, .. } = conversation;
    uow.record(Some(scope.user()), &ConversationUpdated { conversation_id: id, version, owner });
    Ok(conversation)
}

/// Deletes a conversation with everything in it, the log of its room included; with an expected version, only
/// if that is the current one. With the commit the owner's live sessions leave its room.
pub(crate) fn delete(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ConversationId,
    expected: Option<i64>,
) -> Result<(), Error> {
    let conversation = load(uow, id)?;
    let conversation = authorize(uow, scope, conversation, DELETE)?;
    Error::if_stale(Kind::Conversation, conversation.version, expected)?;
    if repository::delete(uow, &conversation)? == 0 {
        return Err(DbError::Contended("the conversation changed meanwhile".into()).into());
    }
    let (user, room) = (conversation.user_id, conversation.room());
    uow.record(Some(scope.user()), &ConversationDeleted { conversation_id: id, owner: user });
    uow.end(Revocation::Membership { user, room, seq: None, reason: RevocationReason::NoStanding });
    Ok(())
}

pub(super) fn load(uow: &mut UnitOfWork<'_>, id: ConversationId) -> Result<Conversation, Error> {
    repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Conversation))
}

/// `None` if a concurrent call has created the default conversation.
fn begin(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    title: Option<ConversationTitle>,
    is_default: bool,
) -> Result<Option<Authorized<Conversation>>, Error> {
    let now = uow.now();
    let conversation = Conversation {
        id: ConversationId::new(now),
        user_id: scope.user(),
        title,
        is_default,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let conversation = authorize(uow, scope, conversation, CREATE)?;
    if !repository::insert_if_new(uow, &conversation)? {
        return Ok(None);
    }
    let conversation_id = conversation.id;
    let event = ConversationCreated { conversation_id, is_default, owner: conversation.user_id };
    uow.record(Some(scope.user()), &event);
    Ok(Some(conversation))
}
