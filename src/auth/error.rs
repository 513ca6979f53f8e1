//! Why authentication failed: precise for the log and the audit trail, uniform for the client.

use std::time::Duration;

use crate::db::DbError;

/// Why [`super::Auth::authenticate`] yields no scope. Each variant is one row of the close code table
/// (`docs/protocol.md`, section 5).
///
/// On HTTP, `Invalid`, `Expired`, `NoSubject` and `UnknownOrInactive` are the same 401: only the log and the
/// audit trail tell them apart. Sockets have a close code for each, because their old clients decide by it.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The caller sent no token.
    #[error("authentication required")]
    Missing,
    /// The token is not acceptable, now or later.
    #[error("invalid token: {0}")]
    Invalid(TokenRefusal),
    /// The token was valid and has expired.
    #[error("token expired")]
    Expired,
    /// Validly signed, but without a subject: no `sub`, or (our own tokens) no `user_id`.
    #[error("token without a subject")]
    NoSubject,
    /// The subject is unknown, or its user is suspended.
    #[error("user unknown or inactive")]
    UnknownOrInactive,
    /// Undecided: the database is unavailable, which it logs itself, once for the whole outage. Retryable.
    #[error("the database is unavailable; try again in {} s", retry_after.as_secs())]
    Unavailable {
        /// How long to wait before retrying.
        retry_after: Duration,
    },
    /// Undecided: the database is overloaded, or an issuer's keys are unavailable for now. Retryable.
    #[error("authentication is overloaded; try again in {} s", retry_after.as_secs())]
    Overloaded {
        /// How long to wait before retrying.
        retry_after: Duration,
    },
    /// A server-side failure that the caller cannot fix.
    #[error("authentication failed on our side: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The rule by which a token is refused. For logs, audit rows and metrics, never for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenRefusal {
    /// Longer than [`super::token::MAX_TOKEN_BYTES`].
    #[error("longer than 8 KiB")]
    TooLong,
    /// Not three base64url parts, or a part is not the JSON it must be.
    #[error("malformed")]
    Malformed,
    /// `alg` is not one of this issuer's; `none` never is, and HS256 is not where public keys verify.
    #[error("algorithm refused")]
    Algorithm,
    /// `typ` says that the token was made for another purpose.
    #[error("typ refused")]
    Type,
    /// `crit` demands an extension, and we understand none.
    #[error("crit refused")]
    Critical,
    /// `kid` names no key of this issuer, or names none while there are several.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not verify with the key.
    #[error("bad signature")]
    Signature,
    /// `iss` is neither our own nor a configured issuer.
    #[error("unknown issuer")]
    Issuer,
    /// `aud` does not name this server.
    #[error("wrong audience")]
    Audience,
    /// `azp` is absent or is not one of the issuer entry's `authorized_parties`.
    #[error("wrong authorized party")]
    AuthorizedParty,
    /// `nbf` lies in the future.
    #[error("not valid yet")]
    NotYetValid,
    /// `iat` lies in the future.
    #[error("issued in the future")]
    IssuedAhead,
    /// A required claim other than the subject is absent or has the wrong type.
    #[error("claim absent or of the wrong type")]
    Claim,
    /// The outside session is not fully signed in (`sts` is `pending`).
    #[error("session pending")]
    Pending,
    /// Its `jti` or login was revoked, the user's role changed, or all the user's sessions were ended.
    #[error("revoked")]
    Revoked,
}

impl TokenRefusal {
    /// A stable identifier for metrics labels and audit rows.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Type => "typ",
            Self::Critical => "crit",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::AuthorizedParty => "authorized_party",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedAhead => "issued_ahead",
            Self::Claim => "claim",
            Self::Pending => "pending",
            Self::Revoked => "revoked",
        }
    }
}

impl AuthError {
    /// Whether this is a decision about the caller that a retry would not change.
    pub(crate) fn is_verdict(&self) -> bool {
        !matches!(self, Self::Unavailable { .. } | Self::Overloaded { .. } | Self::Internal(_))
    }

    /// A stable identifier for metrics labels and audit rows; that of the [`TokenRefusal`] for an invalid token.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Invalid(refusal) => refusal.code(),
            Self::Expired => "expired",
            Self::NoSubject => "no_subject",
            Self::UnknownOrInactive => "unknown_or_inactive",
            Self::Unavailable { .. } | Self::Overloaded { .. } => "overloaded",
            Self::Internal(_) => "internal",
        }
    }
}

impl From<DbError> for AuthError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(_) => Self::Unavailable { retry_after: Duration::from_secs(1) },
            DbError::Overloaded | DbError::Contended(_) | DbError::TimedOut(_) => {
                Self::Overloaded { retry_after: Duration::from_secs(1) }
            }
            error => Self::Internal(Box::new(error)),
        }
    }
}

impl From<TokenRefusal> for AuthError {
    fn from(refusal: TokenRefusal) -> Self {
        Self::Invalid(refusal)
    }
}
