//! Storage of sessions and messages: queries and writes, no decisions.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{messages, sessions};
use crate::db::{DbError, UnitOfWork, each};
use crate::domain::Page;
use crate::domain::policy::{Authorized, Scope};
use crate::ids::{BookingId, MessageId, RequestId, Seq, SessionId, UserId};

use super::{Chat, ClientMsgId, Message, Sent, Session};

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: SessionId) -> Result<Option<Session>, DbError> {
    Ok(sessions::table.find(id).select(Session::as_select()).get_result(uow.conn()).optional()?)
}

pub(super) fn between(
    uow: &mut UnitOfWork<'_>,
    request: RequestId,
    provider_user: UserId,
) -> Result<Option<Session>, DbError> {
    Ok(sessions::table
        .filter(sessions::request_id.eq(request).and(sessions::provider_user_id.eq(provider_user)))
        .select(Session::as_select())
        .get_result(uow.conn())
        .optional()?)
}

/// The caller's sessions, newest first.
pub(super) fn of_caller(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<SessionId>,
) -> Result<Vec<Session>, DbError> {
    macro_rules! of_side {
        ($column:expr) => {{
            let mut query = sessions::table.filter($column.eq(scope.user())).into_boxed();
            if let Some(before) = page.before {
                query = query.filter(sessions::id.lt(before));
            }
            let newest = query.order(sessions::id.desc()).limit(page.fetch());
            newest.select(Session::as_select()).load(uow.conn())?
        }};
    }
    let as_consumer = of_side!(sessions::consumer_user_id);
    let as_provider = of_side!(sessions::provider_user_id);
    Ok(page.newest_of(as_consumer, as_provider, |session: &Session| session.id))
}

/// Inserts a session unless these users have one about this request; returns whether it did.
pub(super) fn insert_if_new(uow: &mut UnitOfWork<'_>, session: &Session) -> Result<bool, DbError> {
    let inserted = each!(uow.conn(), |c| diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(session.id),
            sessions::request_id.eq(session.request_id),
            sessions::booking_id.eq(session.booking_id),
            sessions::consumer_user_id.eq(session.consumer_user_id),
            sessions::provider_user_id.eq(session.provider_user_id),
            sessions::created_at.eq(session.created_at),
            sessions::updated_at.eq(session.created_at),
        ))
        .on_conflict((sessions::request_id, sessions::provider_user_id))
        .do_nothing()
        .execute(c))?;
    Ok(inserted == 1)
}

pub(super) fn set_booking(
    uow: &mut UnitOfWork<'_>,
    session: Authorized<Session>,
    booking: BookingId,
) -> Result<Session, DbError> {
    let now = uow.now();
    diesel::update(sessions::table.find(session.id))
        .set((sessions::booking_id.eq(booking), sessions::updated_at.eq(now)))
        .execute(uow.conn())?;
    Ok(Session { booking_id: Some(booking), ..session.into_row() })
}

/// The session, and what this sender's message of this name in it got, if it was sent before.
pub(super) fn find_for_message(
    uow: &mut UnitOfWork<'_>,
    id: SessionId,
    sender: UserId,
    name: &ClientMsgId,
) -> Result<Option<(Session, Option<Sent>)>, DbError> {
    let named = messages::session_id
        .eq(sessions::id)
        .and(messages::user_id.eq(sender))
        .and(messages::client_msg_id.eq(name.as_str()));
    let sent = (messages::id, messages::seq, messages::created_at).nullable();
    let found = each!(uow.conn(), |c| sessions::table
        .left_join(messages::table.on(named))
        .filter(sessions::id.eq(id))
        .select((Session::as_select(), sent))
        .get_result::<(Session, Option<(MessageId, i64, Timestamp)>)>(c)
        .optional())?;
    let repeated = |(id, seq, at)| Sent { id, seq: Seq::from_i64(seq), at, event: None };
    Ok(found.map(|(session, sent)| (session, sent.map(repeated))))
}

/// The session's messages, newest first.
pub(super) fn messages(
    uow: &mut UnitOfWork<'_>,
    session: &Authorized<Session>,
    page: Page<Seq>,
) -> Result<Vec<Message>, DbError> {
    Ok(messages::table
        .filter(messages::session_id.eq(session.id))
        .filter(messages::seq.lt(page.before.map_or(i64::MAX, Seq::as_i64)))
        .order(messages::seq.desc())
        .limit(page.fetch())
        .select(Message::as_select())
        .load(uow.conn())?)
}

pub(super) fn insert_message(
    uow: &mut UnitOfWork<'_>,
    chat: &Authorized<Chat>,
    message: &Message,
) -> Result<(), DbError> {
    each!(uow.conn(), |c| diesel::insert_into(messages::table)
        .values((
            messages::id.eq(message.id),
            messages::session_id.eq(chat.id),
            messages::user_id.eq(message.user_id),
            messages::client_msg_id.eq(&message.client_msg_id),
            messages::text.eq(&message.text),
            messages::seq.eq(message.seq.as_i64()),
            messages::created_at.eq(message.created_at),
        ))
        .execute(c))?;
    Ok(())
}
