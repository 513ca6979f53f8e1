//! Why a generation failed: a closed list, with a code for programs and a sentence for people. And why a
//! generator cannot be set up.

use std::time::Duration;

/// Why a text was not generated. Whatever came before the error is incomplete and must not be kept as the
/// text.
///
/// `detail` is for the log of the operator: bounded, on one line, and without what the user wrote. It is
/// never for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub enum GenerationError {
    /// The service cannot be reached: no such host, connection refused, no valid certificate.
    Unavailable {
        /// What failed.
        detail: String,
    },
    /// Too many generations at once, here or at the service (429, 503).
    Busy {
        /// How long the service asks to wait, if it says so.
        retry_after: Option<Duration>,
    },
    /// The service answered with an error.
    Refused {
        /// The HTTP status; `None` if the error came within a stream that had begun with 200.
        status: Option<u16>,
        /// The service's own words.
        detail: String,
    },
    /// A deadline passed.
    TimedOut(Wait),
    /// The stream ended before its end was announced.
    Cut,
    /// The answer is not of the documented form.
    Malformed {
        /// What is wrong with it.
        detail: &'static str,
    },
    /// The text is longer than allowed, or the service stopped at its own limit.
    TooLong,
    /// This generator does not do this task.
    Unsupported,
}

/// The deadline that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Until the first piece of text.
    First,
    /// Between two pieces.
    Idle,
    /// Until the end.
    Total,
}

impl GenerationError {
    /// The code on the wire and in metrics.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "generator_unavailable",
            Self::Busy { .. } => "generator_busy",
            Self::Refused { .. } => "generator_refused",
            Self::TimedOut(_) => "generator_timed_out",
            Self::Cut => "generator_cut",
            Self::Malformed { .. } => "generator_malformed",
            Self::TooLong => "generator_too_long",
            Self::Unsupported => "generator_unsupported",
        }
    }

    /// What the user is told: a sentence about what happened, and what to do.
    pub fn message(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "the text service cannot be reached; try again later",
            Self::Busy { .. } => "too many texts are being written right now; try again in a moment",
            Self::Refused { .. } => "the text service refused to write this text; try again later",
            Self::TimedOut(Wait::First) => "the text service did not begin in time; try again",
            Self::TimedOut(Wait::Idle) => "the text service stopped in the middle of the text; try again",
            Self::TimedOut(Wait::Total) => "the text service took too long; try again",
            Self::Cut => "the connection to the text service broke off; try again",
            Self::Malformed { .. } => "the text service gave an answer that makes no sense; try again",
            Self::TooLong => "the text became too long and was given up; try again",
            Self::Unsupported => "this server's text generator does not write such texts",
        }
    }

    /// How long the service asks to wait, if it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// Whether asking once more can help.
    pub fn can_retry(&self) -> bool {
        !matches!(self, Self::Unsupported)
    }

    /// What the operator's log gets beside the code.
    pub fn detail(&self) -> &str {
        match self {
            Self::Unavailable { detail } | Self::Refused { detail, .. } => detail,
            Self::Malformed { detail } => detail,
            _ => "",
        }
    }
}

/// Why a generator cannot be set up. The configuration is checked for all of it, except TLS.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The address is none that can be asked.
    #[error("the address of the text service cannot be used")]
    Address,
    /// The key cannot be sent in a header.
    #[error("the key of the text service cannot be sent")]
    Key(#[from] hyper::header::InvalidHeaderValue),
    /// TLS cannot be set up.
    #[error("cannot set up TLS for the text service: {0}")]
    Tls(#[from] rustls::Error),
    /// A metric of the same name is registered already.
    #[error("cannot register the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}
