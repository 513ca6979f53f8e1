//! Why a use case did not happen. Each edge has one table that turns these into a status, a code or a frame.

use std::borrow::Cow;
use std::time::Duration;

use crate::db::{Constraint, DbError, Failure};

use super::policy::Need;

crate::db::text_enum! {
    /// The nouns, as errors, audit rows and documentation name them.
    pub enum Kind {
        /// Whoever can be authenticated.
        User = "user",
        /// A login of a user.
        Login = "login",
        /// A provider's shop.
        Provider = "provider",
        /// A service in a shop.
        Service = "service",
        /// An offer text in a shop.
        Template = "template",
        /// A photo in a shop's portfolio.
        Photo = "photo",
        /// A consumer's profile.
        Consumer = "consumer",
        /// A request for work.
        Request = "request",
        /// An offer on a request.
        Offer = "offer",
        /// A booking.
        Booking = "booking",
        /// A chat session.
        Session = "session",
        /// A kanban project.
        Project = "project",
        /// A member of a project.
        Member = "member",
        /// A task of a project.
        Task = "task",
        /// A conversation with the assistant.
        Conversation = "conversation",
        /// A journal entry.
        Entry = "entry",
        /// A simulation run.
        Simulation = "simulation",
        /// A room of live events.
        Room = "room",
        /// A live connection.
        Connection = "connection",
        /// What somebody calls with.
        Token = "token",
        /// The audit trail.
        Audit = "audit trail",
    }
}

/// One thing wrong with the input: where, and in words for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Path within the body or query, such as `slot.end`.
    #[schema(value_type = String)]
    pub field: Cow<'static, str>,
    /// What it must be.
    #[schema(value_type = String)]
    pub message: Cow<'static, str>,
}

impl FieldError {
    /// A field and what it must be.
    pub fn new(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Why a use case did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller lacks the standing. Says nothing of the row but its kind.
    #[error("to {action} this {kind} you must be {needed}")]
    Forbidden {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        kind: Kind,
        /// The standing that it needs.
        needed: Need,
    },
    /// There is no such thing.
    #[error("there is no such {0}")]
    NotFound(Kind),
    /// The action does not fit the state.
    #[error("cannot {action} a {kind} that is {current_state}")]
    Conflict {
        /// What was tried.
        action: &'static str,
        /// On what.
        kind: Kind,
        /// The state it is in.
        current_state: &'static str,
        /// What this caller may do instead.
        allowed_actions: Vec<&'static str>,
    },
    /// The action fits the state, but something about the thing itself stands in the way.
    #[error("{detail}")]
    Blocked {
        /// A stable name of the obstacle, such as `stale_version`.
        code: &'static str,
        /// What it is.
        detail: &'static str,
        /// The state that the thing is in.
        current_state: &'static str,
        /// What this caller may do.
        allowed_actions: Vec<&'static str>,
    },
    /// Something else stands in the way, in words for people.
    #[error("{detail}")]
    Taken {
        /// A stable name of the obstacle, such as `slot_taken`.
        code: &'static str,
        /// What it is.
        detail: &'static str,
    },
    /// The caller saw an older version.
    #[error("this {kind} was changed meanwhile: it is at version {current}")]
    Stale {
        /// Of what.
        kind: Kind,
        /// The version in force.
        current: i64,
    },
    /// The input does not parse.
    #[error("the input is not valid")]
    Invalid(Vec<FieldError>),
    /// Too much of it.
    #[error("{detail}")]
    Limited {
        /// Which limit.
        detail: &'static str,
        /// When to try again.
        retry_after: Duration,
    },
    /// The same idempotency key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The database failed.
    #[error(transparent)]
    Db(DbError),
}

impl Error {
    /// One wrong field.
    pub fn invalid(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    /// The check of an update's `If-Match`: refused where the caller has seen another version than the one in force.
    pub fn if_stale(kind: Kind, current: i64, seen: Option<i64>) -> Result<(), Self> {
        if seen.is_none_or(|seen| seen == current) { Ok(()) } else { Err(Self::Stale { kind, current }) }
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

/// The guards of the schema, told as the domain tells them.
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
            Constraint::Session => ("session_exists", "this session exists already"),
            Constraint::Message | Constraint::IdempotencyKey | Constraint::Reference | Constraint::Other => {
                return Self::Db(error);
            }
        };
        Self::Taken { code, detail }
    }
}
