//! Use cases of conversations: creating, reading, listing.

use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Authorized, Scope, authorize};
use crate::domain::{Error, Kind, Page, Slice};
use crate::ids::ConversationId;

use super::{CREATE, Conversation, ConversationCreated, ConversationTitle, READ, repository};

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
    let conversation = repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Conversation))?;
    authorize(uow, scope, conversation, READ)
}

/// The caller's conversations, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<ConversationId>,
) -> Result<Slice<Conversation, ConversationId>, Error> {
    let rows = repository::of_caller(uow, scope, page)?;
    Ok(page.slice(rows, |conversation| conversation.id))
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
