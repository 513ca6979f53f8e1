//! Why somebody was not let in: precise for the log and the audit trail, uniform for whoever asked.

use std::time::Duration;

use crate::db::DbError;

/// What [`super::Auth::authenticate`] answers instead of a scope. Each variant is one row of the close code table.
///
/// Outside, `Invalid`, `Expired`, `NoSubject` and `UnknownOrInactive` are the same 401 on HTTP: only the log and the
/// audit trail know which it was. Sockets have a code for each, because their old clients decide by it.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The caller sent no token at all.
    #[error("authentication required")]
    Missing,
    /// The token is not one that we accept, and no later moment will make it one.
    #[error("invalid token: {0}")]
    Invalid(Refusal),
    /// The token was good and its time is over.
    #[error("token expired")]
    Expired,
    /// Well signed, but it names nobody: no `sub`, or (ours) no `user_id`.
    #[error("token without a subject")]
    NoSubject,
    /// It names somebody whom we do not know, or who may not come in at the moment.
    #[error("user unknown or inactive")]
    UnknownOrInactive,
    /// Nothing was decided: the database or an issuer's keys are out of reach for now. Worth another try.
    #[error("authentication is overloaded; try again in {} s", retry_after.as_secs())]
    Overloaded {
        /// When another try is worth it.
        retry_after: Duration,
    },
    /// Our fault; nothing the caller can do about it.
    #[error("authentication failed on our side: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The reason for which a token is refused, one per rule. For logs, audit rows and metrics, never for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Longer than any issuer's token has reason to be.
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
    /// The signature is not the key's.
    #[error("bad signature")]
    Signature,
    /// `iss` is neither ours nor a configured one.
    #[error("unknown issuer")]
    Issuer,
    /// `aud` does not contain us.
    #[error("wrong audience")]
    Audience,
    /// `azp` is absent or is not one of the entry's origins.
    #[error("wrong authorized party")]
    AuthorizedParty,
    /// `nbf` is ahead.
    #[error("not valid yet")]
    NotYetValid,
    /// `iat` is ahead.
    #[error("issued in the future")]
    IssuedAhead,
    /// A required claim other than the subject is absent or has the wrong type.
    #[error("claim absent or of the wrong type")]
    Claim,
    /// The outside session is not fully signed in (`sts` is `pending`).
    #[error("session pending")]
    Pending,
    /// Its `jti` or its login was revoked, its role changed, or the user's sessions were all ended.
    #[error("revoked")]
    Revoked,
}

impl Refusal {
    /// A stable word for metrics labels and audit rows.
    pub fn code(self) -> &'static str {
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
    /// Whether something was decided about the caller, which another try would not change.
    pub fn is_verdict(&self) -> bool {
        !matches!(self, Self::Overloaded { .. } | Self::Internal(_))
    }

    /// A stable word for metrics labels and audit rows; an invalid token's is its refusal's.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Invalid(refusal) => refusal.code(),
            Self::Expired => "expired",
            Self::NoSubject => "no_subject",
            Self::UnknownOrInactive => "unknown_or_inactive",
            Self::Overloaded { .. } => "overloaded",
            Self::Internal(_) => "internal",
        }
    }
}

impl From<DbError> for AuthError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Overloaded | DbError::Contended(_) | DbError::Unavailable(_) => {
                Self::Overloaded { retry_after: Duration::from_secs(1) }
            }
            error => Self::Internal(Box::new(error)),
        }
    }
}

impl From<Refusal> for AuthError {
    fn from(refusal: Refusal) -> Self {
        Self::Invalid(refusal)
    }
}
