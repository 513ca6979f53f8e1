//! The notices that the hub itself sends to sessions.

use bytes::Bytes;

use crate::events::RevocationReason;
use crate::ids::{Room, UserId};
use crate::protocol::close::CloseReason;
use crate::protocol::{Dialect, ErrorCode, Notice, PresenceChange};

/// The close reason for a session whose right has ended.
pub(super) fn close_reason(reason: RevocationReason) -> CloseReason {
    match reason {
        RevocationReason::Revoked | RevocationReason::RoleChanged => CloseReason::Revoked,
        RevocationReason::Deactivated => CloseReason::UserUnknownOrInactive,
        RevocationReason::ClosedByAdmin => CloseReason::ClosedByAdmin,
        RevocationReason::NoStanding => CloseReason::NotYours,
        RevocationReason::Replaced => CloseReason::Replaced,
    }
}

/// The notices for a member whose membership was revoked: `presence` for programs, then the reason for
/// people.
pub(super) fn left(room: &Room, user: UserId, reason: RevocationReason) -> [Notice; 2] {
    let why = match reason {
        RevocationReason::Revoked => "the right to be in it was taken back",
        RevocationReason::Deactivated => "the user is not active",
        RevocationReason::ClosedByAdmin => "an admin ended it",
        RevocationReason::RoleChanged => "the user's role is another now",
        RevocationReason::NoStanding => "the standing that it needs is gone",
        RevocationReason::Replaced => "the client has connected again",
    };
    [
        Notice::Presence { room: room.clone(), change: PresenceChange::Left(user) },
        Notice::Error {
            id: None,
            code: ErrorCode::Forbidden,
            message: format!("you have left {room}: {why}").into(),
            retry_after: None,
        },
    ]
}

/// The heartbeat's ping in this dialect; `None` where the transport sends its own pings.
pub(super) fn ping(dialect: Dialect) -> Option<Bytes> {
    match dialect {
        // A ping frame without payload (RFC 6455, section 5.5.2).
        Dialect::Json => Some(Bytes::from_static(&[0x89, 0x00])),
        // Engine.IO promises its clients pings at an interval of its own, so `realtime/engineio/heartbeat.rs`
        // sends them.
        Dialect::SocketIo(_) => None,
    }
}
