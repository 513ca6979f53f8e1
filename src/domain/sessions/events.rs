//! Domain events of chat sessions. They go to the session's room and to both parties.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{BookingId, MessageId, RequestId, Room, SessionId, UserId};

/// A consumer and a provider have a new session. Both get it in their user rooms, and may join the session's
/// room.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct SessionOpened {
    /// The new session.
    pub(crate) session_id: SessionId,
    /// The request it is about.
    pub(crate) request_id: RequestId,
    /// The booking it is about, if it was opened with one.
    pub(crate) booking_id: Option<BookingId>,
    /// The consumer's user.
    pub(crate) consumer_user_id: UserId,
    /// The provider's user.
    pub(crate) provider_user_id: UserId,
}

impl DomainEvent for SessionOpened {
    fn kind(&self) -> &'static str {
        "session.opened"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.consumer_user_id), Room::User(self.provider_user_id)]
    }
}

/// A chat message was sent.
#[derive(Serialize)]
pub(crate) struct MessageSent<'a> {
    /// Primary key of the message.
    pub(crate) id: MessageId,
    /// The session it was sent in.
    pub(crate) session_id: SessionId,
    /// The sender's id of the message, by which the sender recognises it.
    pub(crate) client_msg_id: &'a str,
    /// The message text.
    pub(crate) text: &'a str,
}

impl DomainEvent for MessageSent<'_> {
    fn kind(&self) -> &'static str {
        "message.sent"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Session(self.session_id)]
    }

    /// Private: not broadcast to admins, who read a session through its use case where they must.
    fn for_admins(&self) -> bool {
        false
    }
}
