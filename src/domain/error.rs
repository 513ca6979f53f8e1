//! Errors of the use cases. Each edge (REST, WebSocket, Socket.IO) has one table that maps them to its
//! status, code or frame.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};

use crate::db::{Constraint, DbError, Failure};
use crate::ids::ProjectId;

use super::Kind;
use super::policy::Need;
use super::quotas::Quota;

/// One thing wrong with the input: where, and in words for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Path within the body or query, such as `slot.end`.
    #[schema(value_type = String)]
    pub(crate) field: Cow<'static, str>,
    /// What it must be.
    #[schema(value_type = String)]
    pub(crate) message: Cow<'static, str>,
}

impl FieldError {
    /// An error in one field; `message` states what the field must be.
    pub(crate) fn new(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller lacks the required standing. Reveals nothing of the row but its kind.
    #[error("to {action} this {kind} you must be {needed}")]
    Forbidden {
        /// The attempted action, as a verb.
        action: &'static str,
        /// Kind of the row.
        kind: Kind,
        /// The standing that the action requires.
        needed: Need,
    },
    /// The caller acts as somebody else, and may change nothing.
    #[error("this token only shows what its user sees; nothing can be changed with it")]
    ReadOnly,
    /// The caller acts as somebody else, to whom such rows are private.
    #[error("every {0} is private to its owner, and not shown to who acts as somebody else")]
    Private(Kind),
    /// No such row, or none that this caller may know of.
    #[error("there is no such {0}")]
    NotFound(Kind),
    /// The action is not possible in the row's state.
    #[error("cannot {action} a {kind} that is {current_state}")]
    Conflict {
        /// The attempted action.
        action: &'static str,
        /// Kind of the row.
        kind: Kind,
        /// The row's state.
        current_state: &'static str,
        /// Actions that are possible for this caller.
        allowed_actions: Vec<&'static str>,
    },
    /// The action is possible in this state, but another property of the row prevents it.
    #[error("{detail}")]
    Blocked {
        /// Stable code of the obstacle, such as `stale_version`.
        code: &'static str,
        /// The obstacle, for people.
        detail: &'static str,
        /// The row's state.
        current_state: &'static str,
        /// Actions that are possible for this caller.
        allowed_actions: Vec<&'static str>,
    },
    /// Another row prevents the action.
    #[error("{detail}")]
    Taken {
        /// Stable code of the obstacle, such as `slot_taken`.
        code: &'static str,
        /// The obstacle, for people.
        detail: &'static str,
    },
    /// The masterplan is on a board already.
    #[error("this masterplan was applied already, to the project {project}")]
    AlreadyApplied {
        /// The project of that board.
        project: ProjectId,
    },
    /// The expected version (`If-Match`) is not the current one.
    #[error("this {kind} was changed meanwhile: it is at version {current}")]
    Stale {
        /// Kind of the row.
        kind: Kind,
        /// The current version.
        current: i64,
    },
    /// As `Stale`, with the row as it is now, so that the caller can merge.
    #[error("this {kind} was changed meanwhile: it is at version {version}")]
    Changed {
        /// Kind of the row.
        kind: Kind,
        /// The current version.
        version: i64,
        /// The row's representation.
        current: Arc<RawValue>,
    },
    /// There is no room for one more.
    #[error("{detail}")]
    Full {
        /// Stable code of the limit, such as `wip_limit`.
        code: &'static str,
        /// The limit, for people.
        detail: String,
    },
    /// The input is invalid; one entry per field.
    #[error("the input is not valid")]
    Invalid(Vec<FieldError>),
    /// A limit of the caller's plan or of the server is reached.
    #[error("{detail}")]
    Limited {
        /// Which limit, for people.
        detail: &'static str,
        /// How long to wait before trying again.
        retry_after: Duration,
    },
    /// A quota of the caller's plan is used up for the day.
    #[error("the {limit} {} that your plan allows on a day are used up; the day ends at midnight UTC", .quota.what())]
    QuotaExceeded {
        /// Which quota.
        quota: Quota,
        /// How much the plan allows on a day.
        limit: u32,
        /// Until the next day.
        retry_after: Duration,
    },
    /// The idempotency key was used with a different request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The database failed.
    #[error(transparent)]
    Db(DbError),
}

impl Error {
    /// An `Invalid` with one field.
    pub(crate) fn invalid(
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    /// Compares an update's `If-Match` with the current version: `Stale` if they differ.
    pub(crate) fn if_stale(kind: Kind, current: i64, seen: Option<i64>) -> Result<(), Self> {
        if seen.is_none_or(|seen| seen == current) { Ok(()) } else { Err(Self::Stale { kind, current }) }
    }

    /// Compares the version that the caller has seen with the row's: `Changed` with the row if they differ.
    pub(crate) fn if_changed(
        kind: Kind,
        row: &impl serde::Serialize,
        version: i64,
        seen: Option<i64>,
    ) -> Result<(), Self> {
        if seen.is_none_or(|seen| seen == version) {
            return Ok(());
        }
        let current = to_raw_value(row).map_err(DbError::from)?.into();
        Err(Self::Changed { kind, version, current })
    }
}

impl Failure for Error {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}

/// Maps the schema's constraints to domain errors.
impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        let DbError::Violated(guard) = &error else { return Self::Db(error) };
        let (code, detail) = match guard {
            Constraint::UserEmail => ("email_taken", "this email address is registered already"),
            Constraint::UserIdentity => ("identity_taken", "this identity belongs to a user already"),
            Constraint::Profile => ("profile_exists", "this user has such a profile already"),
            Constraint::LiveOffer => {
                ("live_offer_exists", "there is a live offer of yours on this request already")
            }
            Constraint::RequestBooked => ("request_booked", "this request is booked already"),
            Constraint::SlotTaken => ("slot_taken", "the provider has another booking in this slot"),
            Constraint::Answer => ("already_answered", "this message has an answer already"),
            Constraint::Session => ("session_exists", "this session exists already"),
            Constraint::Message | Constraint::IdempotencyKey | Constraint::Reference | Constraint::Other => {
                return Self::Db(error);
            }
        };
        Self::Taken { code, detail }
    }
}
