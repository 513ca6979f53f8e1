//! Texts that a generator writes, as representations show them: how far one is, and why it failed.

use serde::Serialize;
use utoipa::ToSchema;

use crate::jobs::Failure;

/// How far a text is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GenerationStatus)]
pub(super) enum Status {
    /// It is being written, or waits for others to be written.
    Running,
    /// It is whole and stored.
    Done,
    /// It ended without a text. Nothing was stored; ask for another one.
    Failed,
}

/// Why a text failed.
#[derive(Serialize, ToSchema)]
#[schema(as = GenerationFailure)]
pub(super) struct FailureView {
    /// For programs; stable.
    #[schema(example = "generator_unavailable")]
    code: &'static str,
    /// For people.
    message: &'static str,
    /// Seconds after which another attempt makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl From<Failure> for FailureView {
    fn from(failure: Failure) -> Self {
        let retry_after = failure.retry_after_s();
        Self { code: failure.code, message: failure.message, retry_after }
    }
}
