//! Conversations that an older system kept under a placeholder user, because they were nobody's. Every
//! conversation has an owner here: these are deleted, or moved to the archive, which no use case reads. Then
//! the placeholder itself is deleted, after which the database's foreign keys keep anything from belonging to
//! it again.

use diesel::prelude::*;

use crate::db::schema::{
    archived_conversations, archived_messages, consumers, conversation_messages, conversations, daily_usage,
    entries, idempotency_keys, journal_keys, logins, masterplans, messages, offers, project_members,
    projects, providers, read_markers, refresh_tokens, requests, sessions, simulations, tasks, users,
};
use crate::db::{DbError, UnitOfWork, each, event_log};
use crate::domain::policy::{Need, Right, Scope, authorize_admin, by_system};
use crate::domain::users::repository as accounts;
use crate::domain::{Error, Kind};
use crate::ids::{ConversationId, Room, UserId};

use super::{Conversation, repository};

const ADOPT: Right = Right::change(Kind::User, "adopt the conversations of", Need::Admin);

/// Conversations of one unit of work.
const BATCH: i64 = 100;

/// What becomes of the conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They are deleted with everything in them.
    Deleted,
    /// Conversations and messages are moved to the archive, where they are nobody's. Masterplans and the logs of
    /// their rooms are deleted.
    Archived,
}

/// What belongs to a placeholder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Belongings {
    /// Conversations.
    pub(crate) conversations: i64,
    /// Messages in them.
    pub(crate) messages: i64,
    /// Masterplans in them.
    pub(crate) masterplans: i64,
    /// What it has besides, for which it is no mere placeholder: table and number of rows.
    pub(crate) others: Vec<(&'static str, i64)>,
}

/// Counts what belongs to the user; `None` if there is no such user.
///
/// # Errors
/// If the user is active: nobody may be writing there meanwhile.
pub(crate) fn belongings(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    user: UserId,
) -> Result<Option<Belongings>, Error> {
    authorize_admin(uow, scope, ADOPT, Some(user.to_string()))?;
    if !check(uow, user)? {
        return Ok(None);
    }
    let of_user = conversations::table.filter(conversations::user_id.eq(user)).select(conversations::id);
    let in_them = conversation_messages::table.filter(conversation_messages::conversation_id.eq_any(of_user));
    let masterplans = masterplans::table.filter(masterplans::user_id.eq(user));
    Ok(Some(Belongings {
        conversations: conversations::table
            .filter(conversations::user_id.eq(user))
            .count()
            .get_result(uow.conn())?,
        messages: in_them.count().get_result(uow.conn())?,
        masterplans: masterplans.count().get_result(uow.conn())?,
        others: others(uow, user)?,
    }))
}

/// Deletes or archives the user's next conversations; returns how many.
///
/// # Errors
/// As for [`belongings`].
pub(crate) fn adopt_batch(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    user: UserId,
    fate: Fate,
) -> Result<usize, Error> {
    if !check(uow, user)? {
        return Ok(0);
    }
    let rows: Vec<Conversation> = conversations::table
        .filter(conversations::user_id.eq(user))
        .order(conversations::id)
        .limit(BATCH)
        .select(Conversation::as_select())
        .load(uow.conn())?;
    if !rows.is_empty() {
        authorize_admin(uow, scope, ADOPT, Some(user.to_string()))?;
    }
    for conversation in &rows {
        if fate == Fate::Archived {
            archive(uow, conversation)?;
        }
        repository::delete(uow, &by_system(conversation.clone()))?;
    }
    Ok(rows.len())
}

/// Deletes the placeholder itself, with what every account has. From then on no row can refer to it.
///
/// # Errors
/// If anything else belongs to it.
pub(crate) fn delete_placeholder(uow: &mut UnitOfWork<'_>, scope: &Scope, user: UserId) -> Result<(), Error> {
    authorize_admin(uow, scope, ADOPT, Some(user.to_string()))?;
    if !check(uow, user)? {
        return Ok(());
    }
    event_log::erase(uow.conn(), &Room::User(user))?;
    let of_user = logins::table.filter(logins::user_id.eq(user)).select(logins::id);
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::login_id.eq_any(of_user)))
        .execute(uow.conn())?;
    diesel::delete(logins::table.filter(logins::user_id.eq(user))).execute(uow.conn())?;
    diesel::delete(idempotency_keys::table.filter(idempotency_keys::user_id.eq(user))).execute(uow.conn())?;
    diesel::delete(read_markers::table.filter(read_markers::user_id.eq(user))).execute(uow.conn())?;
    diesel::delete(daily_usage::table.filter(daily_usage::user_id.eq(user))).execute(uow.conn())?;
    diesel::delete(journal_keys::table.filter(journal_keys::user_id.eq(user))).execute(uow.conn())?;
    diesel::delete(consumers::table.filter(consumers::user_id.eq(user))).execute(uow.conn())?;
    diesel::delete(users::table.find(user)).execute(uow.conn())?;
    Ok(())
}

/// Whether the user exists, who must not be active.
fn check(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<bool, Error> {
    match accounts::find(uow, user)? {
        Some(user) if user.is_active => Err(Error::Taken {
            code: "active_account",
            detail: "this user is active: a placeholder is suspended first (souk user suspend), so that nobody \
                     writes there meanwhile",
        }),
        found => Ok(found.is_some()),
    }
}

/// What the user has besides conversations and what every account has.
fn others(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<Vec<(&'static str, i64)>, DbError> {
    macro_rules! count {
        ($($table:ident: $column:ident),* $(,)?) => {
            [$((
                stringify!($table),
                $table::table.filter($table::$column.eq(user)).count().get_result::<i64>(uow.conn())?,
            )),*]
        };
    }
    let counts = count![
        providers: user_id, requests: user_id, offers: user_id, sessions: consumer_user_id,
        messages: user_id, projects: created_by, project_members: user_id, tasks: created_by,
        entries: user_id, simulations: user_id,
    ];
    Ok(counts.into_iter().filter(|(_, count)| *count > 0).collect())
}

fn archive(uow: &mut UnitOfWork<'_>, conversation: &Conversation) -> Result<(), DbError> {
    let now = uow.now();
    let id: ConversationId = conversation.id;
    diesel::insert_into(archived_conversations::table)
        .values((
            archived_conversations::id.eq(id),
            archived_conversations::title.eq(&conversation.title),
            archived_conversations::created_at.eq(conversation.created_at),
            archived_conversations::archived_at.eq(now),
        ))
        .execute(uow.conn())?;
    each!(uow.conn(), |c| diesel::insert_into(archived_messages::table)
        .values(conversation_messages::table.filter(conversation_messages::conversation_id.eq(id)).select((
            conversation_messages::id,
            conversation_messages::conversation_id,
            conversation_messages::author,
            conversation_messages::text,
            conversation_messages::seq,
            conversation_messages::created_at,
        )))
        .into_columns((
            archived_messages::id,
            archived_messages::conversation_id,
            archived_messages::author,
            archived_messages::text,
            archived_messages::seq,
            archived_messages::created_at,
        ))
        .execute(c))?;
    Ok(())
}
