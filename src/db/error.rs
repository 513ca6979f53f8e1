//! What can go wrong below the use cases, and the one table that turns a violated constraint into a name.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of the database, as the use cases see it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A guard of the schema refused the write; the name is the same on both engines.
    #[error("the database guard `{0}` refused the write")]
    Violated(Constraint),
    /// Another transaction was in the way; the unit of work may be run again.
    #[error("the transaction lost a race: {0}")]
    Contended(String),
    /// Too much is waiting already. Try again later.
    #[error("too many units of work are waiting")]
    Overloaded,
    /// The database cannot be reached, or the process is stopping.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Anything else: a defect of ours.
    #[error(transparent)]
    Diesel(DieselError),
    /// An event's or a record's payload could not be written or read as JSON.
    #[error("a stored document does not fit: {0}")]
    Document(#[from] serde_json::Error),
}

/// The guards of the schema that a correct client can run into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// `users.email` is taken.
    UserEmail,
    /// Somebody is known by this issuer and subject already.
    UserIdentity,
    /// The user has a provider's or consumer's profile already.
    Profile,
    /// The provider has a live offer on this request already.
    LiveOffer,
    /// The request has an accepted offer or a live booking already.
    RequestBooked,
    /// The provider has another active booking in this slot.
    SlotTaken,
    /// The chat message was written already.
    Message,
    /// A session of these two about this request exists already.
    Session,
    /// Another call with this idempotency key came first.
    IdempotencyKey,
    /// A row that this one names does not exist.
    Reference,
    /// A value that the schema forbids: a defect of ours.
    Other,
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What the engines call each guard. SQLite names the columns, PostgreSQL the constraint.
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

/// What the engines say where nothing is wrong with the statement: the disk is full or fails, the server stops or starts.
/// Diesel passes neither SQLite's result codes nor PostgreSQL's SQLSTATE on. A message of the server may be in another
/// language; a connection that it closed is noticed all the same, when its transaction cannot be ended.
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
            // The last is a server that became a standby, or was told to take no writes.
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction => Self::Unavailable(message.to_owned()),
            DatabaseErrorKind::ForeignKeyViolation => Self::Violated(Constraint::Reference),
            // Neither a SQLite lock nor a PostgreSQL deadlock or exclusion has a kind of its own in Diesel.
            _ if message.contains("database is locked") || message.contains("deadlock detected") => {
                Self::Contended(message.to_owned())
            }
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

/// What an error of a unit of work must tell the writer: whether the database is behind it.
pub trait Failure: From<DbError> + Send + 'static {
    /// The database failure behind this error, if it is one.
    fn database(&self) -> Option<&DbError>;
}

impl Failure for DbError {
    fn database(&self) -> Option<&DbError> {
        Some(self)
    }
}

impl DbError {
    /// A stored row that the domain's types do not take.
    pub fn unreadable(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Diesel(DieselError::DeserializationError(Box::new(cause)))
    }

    /// Whether running the same unit of work again may succeed.
    ///
    /// An idempotency key that came first counts: the second run finds its answer.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Contended(_) | Self::Violated(Constraint::IdempotencyKey | Constraint::Message))
    }
}
