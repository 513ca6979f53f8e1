//! Database failures as the use cases see them, and the one table that maps violated constraints to names. No
//! SQL and no Diesel types are needed above this.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A database failure.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A constraint of the schema rejected the write; the name is the same on both engines.
    #[error("the database guard `{0}` refused the write")]
    Violated(Constraint),
    /// A conflicting transaction (deadlock, lock, serialization); the unit of work may be retried.
    #[error("the transaction lost a race: {0}")]
    Contended(String),
    /// The queue is full or no connection came free in time; retry later.
    #[error("too many units of work are waiting")]
    Overloaded,
    /// The database cannot be reached or written, or the process is stopping.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Any other error: a bug on our side.
    #[error(transparent)]
    Diesel(DieselError),
    /// An event's or record's payload failed to serialize or deserialize as JSON.
    #[error("a stored document does not fit: {0}")]
    Document(#[from] serde_json::Error),
}

/// Constraints of the schema that a correct client can violate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// `users.email` is taken.
    UserEmail,
    /// A user with this issuer and subject exists.
    UserIdentity,
    /// The user already has a provider's or consumer's profile.
    Profile,
    /// The provider already has a live offer on this request.
    LiveOffer,
    /// The request already has an accepted offer or a live booking.
    RequestBooked,
    /// The provider has another active booking that overlaps this slot.
    SlotTaken,
    /// A message with this `client_msg_id` by this sender exists.
    Message,
    /// The message has an answer already.
    Answer,
    /// A session of these two users about this request exists.
    Session,
    /// Another call with this idempotency key committed first.
    IdempotencyKey,
    /// A referenced row does not exist (foreign key).
    Reference,
    /// Any other constraint: a bug on our side.
    Other,
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// How each engine reports each constraint: SQLite by its columns, PostgreSQL by its name.
const CONSTRAINTS: &[(Constraint, &str, &str)] = &[
    (Constraint::UserEmail, "users.email", "users_email_key"),
    (Constraint::UserIdentity, "users.issuer, users.clerk_id", "users_issuer_clerk_id_key"),
    (Constraint::Profile, "providers.user_id", "providers_user_id_key"),
    (Constraint::Profile, "consumers.user_id", "consumers_user_id_key"),
    (Constraint::LiveOffer, "offers.request_id, offers.provider_id", "offers_one_live"),
    (Constraint::RequestBooked, "offers.request_id", "offers_one_accepted"),
    (Constraint::RequestBooked, "bookings.request_id", "bookings_one_live"),
    (Constraint::RequestBooked, "bookings.offer_id", "bookings_offer_id_key"),
    (Constraint::SlotTaken, "bookings_no_overlap", "bookings_no_overlap"),
    (
        Constraint::Message,
        "messages.session_id, messages.user_id, messages.client_msg_id",
        "messages_session_id_user_id_client_msg_id_key",
    ),
    (
        Constraint::Message,
        "conversation_messages.conversation_id, conversation_messages.client_msg_id",
        "conversation_messages_conversation_id_client_msg_id_key",
    ),
    (Constraint::Answer, "conversation_messages.answers_to", "conversation_messages_answers_to_key"),
    (
        Constraint::Session,
        "sessions.request_id, sessions.provider_user_id",
        "sessions_request_id_provider_user_id_key",
    ),
    (Constraint::IdempotencyKey, "idempotency_keys.user_id, idempotency_keys.key", "idempotency_keys_pkey"),
];

fn constraint(message: &str, constraint: Option<&str>) -> Option<Constraint> {
    let columns = message.strip_prefix("UNIQUE constraint failed: ").unwrap_or(message);
    CONSTRAINTS
        .iter()
        .find(|(_, sqlite, postgres)| *sqlite == columns || Some(*postgres) == constraint)
        .map(|(constraint, ..)| *constraint)
}

/// Error texts that mean the database, not the statement, is at fault: disk full or failing, server stopping
/// or starting. Diesel exposes neither SQLite's result codes nor PostgreSQL's SQLSTATE, so texts must do. A
/// server may localize its messages; a connection that it closed is detected anyway, when its transaction
/// cannot be ended.
const UNAVAILABLE: &[&str] = &[
    // SQLite: FULL, IOERR, READONLY, CANTOPEN.
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
    "unable to open database file",
    // PostgreSQL: 53100, 57P01 and 57P02, 57P03.
    "No space left on device",
    "terminating connection",
    "the database system is ",
];

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        let DieselError::DatabaseError(kind, info) = &error else { return Self::Diesel(error) };
        let message = info.message();
        match kind {
            DatabaseErrorKind::SerializationFailure => Self::Contended(message.to_owned()),
            // `ReadOnlyTransaction` also covers a server demoted to standby or set to read-only.
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction => Self::Unavailable(message.to_owned()),
            DatabaseErrorKind::ForeignKeyViolation => Self::Violated(Constraint::Reference),
            // Diesel has no error kind for SQLite locks, PostgreSQL deadlocks or exclusion constraints.
            _ if message.contains("database is locked") || message.contains("deadlock detected") => {
                Self::Contended(message.to_owned())
            }
            // PostgreSQL, where a unit of work has set `lock_timeout`.
            _ if message.contains("due to lock timeout") => Self::Overloaded,
            _ if UNAVAILABLE.iter().any(|part| message.contains(part)) => {
                Self::Unavailable(message.to_owned())
            }
            _ => match constraint(message, info.constraint_name()) {
                Some(constraint) => Self::Violated(constraint),
                None => Self::Diesel(error),
            },
        }
    }
}

/// An error type of a unit of work, which lets the writer see whether the database caused it.
pub trait Failure: From<DbError> + Send + 'static {
    /// The database failure that caused this error, if one did.
    fn database(&self) -> Option<&DbError>;
}

impl Failure for DbError {
    fn database(&self) -> Option<&DbError> {
        Some(self)
    }
}

impl DbError {
    /// A stored row that the domain's types reject.
    pub(crate) fn unreadable(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Diesel(DieselError::DeserializationError(Box::new(cause)))
    }

    /// Whether retrying the same unit of work may succeed.
    ///
    /// Includes a violated idempotency key: the retry finds the stored response.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Contended(_) | Self::Violated(Constraint::IdempotencyKey | Constraint::Message))
    }
}
