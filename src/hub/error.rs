//! Why the hub refuses a request.

/// A mailbox of the hub is full; the client may try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hub is busy")]
pub struct HubBusy;

/// Why a notice was not broadcast to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BroadcastError {
    /// The RoomHub's mailbox is full; the client may try again.
    #[error("the hub is busy")]
    Busy,
    /// The sending session is not a member of the room.
    #[error("the session is not in the room")]
    NotAMember,
}

/// Why a room cannot be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The RoomHub's mailbox is full; the client may try again.
    #[error("the hub is busy")]
    Busy,
    /// The room's head could not be read from the event log.
    #[error("the event log cannot be read")]
    Unavailable,
    /// The session has reached its plan's limit of rooms.
    #[error("the session is in as many rooms as it may be")]
    TooManyRooms,
    /// The server is shutting down.
    #[error("the server is stopping")]
    Draining,
    /// The session is ending, or its membership was ended while it was joining.
    #[error("the session is ending")]
    Gone,
}
