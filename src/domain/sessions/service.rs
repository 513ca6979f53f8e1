//! Use cases of chat sessions: opening, reading, sending messages, marking as read.

use crate::db::UnitOfWork;
use crate::domain::policy::{Authorized, Explanation, Scope, authorize, by_system, explain_right};
use crate::domain::{Error, Kind, Page, Slice};
use crate::ids::{BookingId, MessageId, RequestId, Seq, SessionId, UserId};

use super::{
    Chat, MARK, MESSAGE, Message, MessageSent, READ, SendMessage, Sent, Session, SessionOpened, markers,
    repository,
};

/// A session to open.
#[derive(Clone, Copy, Debug)]
pub struct NewSession {
    /// The request it is about.
    pub request_id: RequestId,
    /// The user who owns the request.
    pub consumer_user: UserId,
    /// The user who makes the offer.
    pub provider_user: UserId,
}

/// Opens the session of these users about this request, or returns the existing one.
///
/// A step of submitting and of accepting an offer, whose callers were authorized on the request or the offer.
pub fn open(uow: &mut UnitOfWork<'_>, new: &NewSession) -> Result<Session, Error> {
    let now = uow.now();
    let session = Session {
        id: SessionId::new(now),
        request_id: new.request_id,
        booking_id: None,
        consumer_user_id: new.consumer_user,
        provider_user_id: new.provider_user,
        created_at: now,
    };
    if !repository::insert_if_new(uow, &session)? {
        let known = repository::between(uow, new.request_id, new.provider_user)?;
        return known.ok_or(Error::NotFound(Kind::Session));
    }
    uow.record(
        None,
        &SessionOpened {
            session_id: session.id,
            request_id: session.request_id,
            booking_id: session.booking_id,
            consumer_user_id: session.consumer_user_id,
            provider_user_id: session.provider_user_id,
        },
    );
    Ok(session)
}

/// Attaches a booking to the session. A step of accepting an offer.
pub(crate) fn attach_booking(
    uow: &mut UnitOfWork<'_>,
    session: Session,
    booking: BookingId,
) -> Result<Session, Error> {
    Ok(repository::set_booking(uow, by_system(session), booking)?)
}

/// The session, for its parties and admins.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: SessionId,
) -> Result<Authorized<Session>, Error> {
    let session = load(uow, id)?;
    authorize(uow, scope, session, READ)
}

/// Why this caller may or may not do this with the session; `None` if there is no such action.
pub(in crate::domain) fn explain(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: SessionId,
    action: &str,
) -> Result<Option<Explanation>, Error> {
    let session = load(uow, id)?;
    let as_chat = explain_right(scope, &session.chat(), action);
    Ok(explain_right(scope, &session, action).or(as_chat))
}

/// The caller's sessions, newest first.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<SessionId>,
) -> Result<Slice<Session, SessionId>, Error> {
    let rows = repository::of_caller(uow, scope, page)?;
    Ok(page.slice(rows, |session| session.id))
}

/// The session's messages, newest first.
pub(crate) fn messages(
    uow: &mut UnitOfWork<'_>,
    session: &Authorized<Session>,
    page: Page<Seq>,
) -> Result<Slice<Message, Seq>, Error> {
    let rows = repository::messages(uow, session, page)?;
    Ok(page.slice(rows, |message| message.seq))
}

/// Sends a message: exactly once for each `client_msg_id` of a sender, whatever retries and races occur.
///
/// Taking the room's next position serializes the senders of a room. Of two that send the same message
/// concurrently, the second violates the unique key, is retried by the writer, and then finds the first one's
/// message.
pub(crate) fn send_message(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    command: &SendMessage,
) -> Result<Sent, Error> {
    let found = repository::find_for_message(uow, command.session, scope.user(), &command.client_msg_id)?;
    let (session, sent) = found.ok_or(Error::NotFound(Kind::Session))?;
    let chat = authorize(uow, scope, Chat(session), MESSAGE)?;
    if let Some(sent) = sent {
        return Ok(sent);
    }
    let at = uow.now();
    let id = MessageId::new(at);
    let event = MessageSent {
        id,
        session_id: chat.id,
        client_msg_id: command.client_msg_id.as_str(),
        text: command.text.as_str(),
    };
    let event = uow.append(&chat.room(), Some(scope.user()), &event)?.clone();
    let seq = event.seq;
    let message = Message {
        id,
        session_id: chat.id,
        user_id: scope.user(),
        client_msg_id: command.client_msg_id.as_str().to_owned(),
        text: command.text.as_str().to_owned(),
        seq,
        created_at: at,
    };
    repository::insert_message(uow, &chat, &message)?;
    Ok(Sent { id, seq, at, event: Some(event) })
}

/// Whether the caller may say something in a chat: its parties may, admins may not.
pub(crate) fn check_may_write(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    session: SessionId,
) -> Result<(), Error> {
    let session = load(uow, session)?;
    authorize(uow, scope, Chat(session), MESSAGE)?;
    Ok(())
}

/// Advances the caller's read position in the session and returns the resulting position. Never goes back.
pub fn mark_read(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    session: SessionId,
    up_to: Seq,
) -> Result<Seq, Error> {
    let session = load(uow, session)?;
    let chat = authorize(uow, scope, Chat(session), MARK)?;
    Ok(markers::advance(uow, scope.user(), &chat.room(), up_to)?)
}

fn load(uow: &mut UnitOfWork<'_>, id: SessionId) -> Result<Session, Error> {
    repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Session))
}
