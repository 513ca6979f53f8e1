//! Why a command was refused: one table from the errors of the domain and the hub to what clients are sent.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::db::DbError;
use crate::domain::Error;
use crate::hub::{BroadcastError, HubBusy, JoinError};
use crate::protocol::close::CloseReason;
use crate::protocol::{Correlation, ErrorCode, Notice, TextFailure};

/// A refusal, as clients are sent it. Reveals nothing of internal causes.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: ErrorCode,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    /// The row as it is now, if the caller had seen another version.
    current: Option<Arc<RawValue>>,
}

impl Refusal {
    /// A refusal that a retry would not change.
    pub(crate) fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retry_after: None, current: None }
    }

    /// A field is invalid.
    pub(crate) fn invalid(field: &str, must: &str) -> Self {
        Self::new(ErrorCode::Invalid, format!("`{field}` {must}"))
    }

    /// The server is overloaded; nothing was done.
    pub(crate) fn busy() -> Self {
        Self::new(ErrorCode::Busy, "too much is going on; try again").retry_after(Duration::from_secs(1))
    }

    /// The session ends, and does nothing more.
    pub(crate) fn ending() -> Self {
        Self::new(ErrorCode::Busy, "this session is ending")
    }

    /// The command is for members of the room only.
    pub(crate) fn not_joined() -> Self {
        Self::new(ErrorCode::NotJoined, "join the room first")
    }

    fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The reason to close a session that is bound to one room, when joining that room is refused.
    pub(crate) fn close_reason(&self) -> CloseReason {
        match self.code {
            ErrorCode::Forbidden => CloseReason::NotYours,
            ErrorCode::NotFound => CloseReason::NotFound,
            _ => CloseReason::Internal,
        }
    }

    /// As an `error` notice.
    pub(crate) fn into_notice(self, id: Option<Correlation>) -> Notice {
        if let Some(current) = self.current {
            return Notice::Conflict { id, code: self.code, message: Arc::from(self.message), current };
        }
        Notice::Error {
            id,
            code: self.code,
            message: Arc::from(self.message),
            retry_after: self.retry_after.map(seconds),
        }
    }
}

impl Refusal {
    /// As the failure of a text.
    pub(super) fn into_failure(self) -> TextFailure {
        let retry_after = self.retry_after.map(seconds);
        TextFailure { code: self.code.name(), message: Arc::from(self.message), retry_after }
    }
}

/// Whole seconds, at least one.
fn seconds(after: Duration) -> u64 {
    (after.as_secs() + u64::from(after.subsec_nanos() > 0)).max(1)
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Forbidden { .. } | Error::ReadOnly | Error::Private(_) => {
                Self::new(ErrorCode::Forbidden, message)
            }
            Error::NotFound(_) => Self::new(ErrorCode::NotFound, message),
            Error::Conflict { .. }
            | Error::Blocked { .. }
            | Error::Taken { .. }
            | Error::AlreadyApplied { .. }
            | Error::Full { .. }
            | Error::Stale { .. }
            | Error::KeyReused => Self::new(ErrorCode::Conflict, message),
            Error::Changed { current, .. } => {
                Self { current: Some(current), ..Self::new(ErrorCode::Conflict, message) }
            }
            Error::Invalid(errors) => {
                let fields: Vec<_> =
                    errors.iter().map(|error| format!("`{}` {}", error.field, error.message)).collect();
                Self::new(ErrorCode::Invalid, fields.join("; "))
            }
            Error::Limited { retry_after, .. } => {
                Self::new(ErrorCode::RateLimited, message).retry_after(retry_after)
            }
            Error::QuotaExceeded { retry_after, .. } => {
                Self::new(ErrorCode::QuotaExceeded, message).retry_after(retry_after)
            }
            Error::Db(error) => error.into(),
        }
    }
}

/// Database errors: internal causes are logged here and not sent to the client.
impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Overloaded | DbError::Contended(_) | DbError::TimedOut(_) => Self::busy(),
            DbError::Unavailable(why) => {
                // The database module logs an outage itself, once for as long as it lasts.
                log::debug!("the database is unavailable: {why}");
                Self::busy()
            }
            error => {
                log::error!("a unit of work failed: {error}");
                Self::new(ErrorCode::Internal, "our fault; it has been logged")
            }
        }
    }
}

impl From<HubBusy> for Refusal {
    fn from(_: HubBusy) -> Self {
        Self::busy()
    }
}

impl From<JoinError> for Refusal {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Busy | JoinError::Unavailable => Self::busy(),
            JoinError::TooManyRooms => Self::new(ErrorCode::TooManyRooms, "leave another room first"),
            JoinError::Draining | JoinError::Gone => Self::ending(),
        }
    }
}

impl From<BroadcastError> for Refusal {
    fn from(error: BroadcastError) -> Self {
        match error {
            BroadcastError::Busy => Self::busy(),
            BroadcastError::NotAMember => Self::not_joined(),
        }
    }
}
