//! Why the hub does not do what it is asked.

/// The hub has more to do than it can; the client may try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hub is busy")]
pub struct HubBusy;

/// Why a notice was not passed on to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BroadcastError {
    /// The hub has more to do than it can.
    #[error("the hub is busy")]
    Busy,
    /// Only members speak.
    #[error("the session is not in the room")]
    NotAMember,
}

/// Why a room cannot be joined now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The hub has more to do than it can; the client may try again.
    #[error("the hub is busy")]
    Busy,
    /// The room's position could not be read from the log.
    #[error("the event log cannot be read")]
    Unavailable,
    /// The session is in as many rooms as it may be.
    #[error("the session is in as many rooms as it may be")]
    TooManyRooms,
    /// The server is stopping.
    #[error("the server is stopping")]
    Draining,
    /// The session is ending, or the membership ended while it began.
    #[error("the session is ending")]
    Gone,
}
