//! Sessions: the chat of a consumer and a provider about a request and, later, its booking.
//!
//! A session is opened by a provider's first offer on a request and stays open whatever follows, so that both
//! can still talk after a cancellation. Its messages are events of its room; the rows here make sending
//! idempotent and serve REST's pages.

mod events;
pub(crate) mod markers;
mod message;
mod overview;
mod repository;
mod service;

pub(crate) use events::{MessageSent, SessionOpened};
pub(crate) use message::{ClientMsgId, Message, MessageText, SendMessage, Sent};
pub(crate) use overview::{Overview, overviews};
pub(super) use service::explain;
pub use service::{NewSession, mark_read, open};
pub(crate) use service::{attach_booking, check_may_write, find, list, messages, send_message};

use crate::clock::Timestamp;
use crate::db::schema;
use crate::domain::Kind;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Side, Standing};
use crate::ids::{BookingId, RequestId, Room, SessionId, UserId};

/// A chat session.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = schema::sessions)]
pub struct Session {
    /// Primary key; also names the room.
    pub(crate) id: SessionId,
    /// The request it is about.
    pub(crate) request_id: RequestId,
    /// The latest booking of that request between the two, if any.
    pub(crate) booking_id: Option<BookingId>,
    /// The consumer's user.
    pub(crate) consumer_user_id: UserId,
    /// The provider's user.
    pub(crate) provider_user_id: UserId,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
}

impl Session {
    /// The room of its messages, which its parties may join.
    pub fn room(&self) -> Room {
        Room::Session(self.id)
    }

    /// The session as the resource to send messages to.
    pub(crate) fn chat(&self) -> Chat {
        Chat(self.clone())
    }
}

impl Resource for Session {
    const KIND: Kind = Kind::Session;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.consumer_user_id {
            Standing::Party(Side::Consumer)
        } else if scope.user() == self.provider_user_id {
            Standing::Party(Side::Provider)
        } else {
            Standing::Stranger
        }
    }
}

const READ: Right = Right::look(Kind::Session, "read", Need::Party);

impl Rights for Session {
    const RIGHTS: &'static [Right] = &[READ];
}

/// A session as the resource to send messages to. A resource of its own, because admins may read a session
/// but must not write in the parties' names.
#[derive(Clone, Debug)]
pub(crate) struct Chat(Session);

impl std::ops::Deref for Chat {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Resource for Chat {
    const KIND: Kind = Kind::Session;
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        self.0.row_id()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        self.0.standing(scope)
    }
}

const MESSAGE: Right = Right::change(Kind::Session, "message", Need::Party);
const MARK: Right = Right::change(Kind::Session, "mark", Need::Party);

impl Rights for Chat {
    const RIGHTS: &'static [Right] = &[MESSAGE, MARK];
}
