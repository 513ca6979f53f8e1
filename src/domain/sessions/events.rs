//! What happens in sessions, and who hears of it.

use serde::Serialize;

use crate::events::DomainEvent;
use crate::ids::{BookingId, MessageId, RequestId, Room, SessionId, UserId};

/// A consumer and a provider have a session now. Both hear of it among their own notices, and can join its room.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SessionOpened {
    /// Which.
    pub session_id: SessionId,
    /// About what.
    pub request_id: RequestId,
    /// About which booking, when it opens with one.
    pub booking_id: Option<BookingId>,
    /// A party.
    pub consumer_user_id: UserId,
    /// A party.
    pub provider_user_id: UserId,
}

impl DomainEvent for SessionOpened {
    fn kind(&self) -> &'static str {
        "session.opened"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::User(self.consumer_user_id), Room::User(self.provider_user_id)]
    }
}

/// Somebody said something.
#[derive(Serialize)]
pub struct MessageSent<'a> {
    /// The message.
    pub id: MessageId,
    /// Where.
    pub session_id: SessionId,
    /// By which the sender knows its own message.
    pub client_msg_id: &'a str,
    /// What.
    pub text: &'a str,
}

impl DomainEvent for MessageSent<'_> {
    fn kind(&self) -> &'static str {
        "message.sent"
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room::Session(self.session_id)]
    }

    /// What two people say to each other is not broadcast to admins; who must read it asks for the session.
    fn for_admins(&self) -> bool {
        false
    }
}
