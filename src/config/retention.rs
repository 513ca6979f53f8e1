//! How long events and audit rows are kept.

use std::str::FromStr;
use std::time::Duration;

use super::value::{count, duration};

/// How long what happened is kept. Chats, boards and conversations are kept for ever.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Retention")]
pub(crate) struct RetentionConfig {
    /// How long events of the markets' rooms are kept, which clients resume from: at least 7d, or forever
    #[arg(
        long, env = "SOUK_RETAIN_MARKET_EVENTS", value_name = "DURATION", default_value = "30d",
        value_parser = events
    )]
    pub(crate) retain_market_events: Retention,

    /// How long events of the admins' room are kept: at least 7d, or forever. The audit trail is another matter
    #[arg(
        long, env = "SOUK_RETAIN_ADMIN_EVENTS", value_name = "DURATION", default_value = "30d",
        value_parser = events
    )]
    pub(crate) retain_admin_events: Retention,

    /// How long events of users' own rooms are kept: at least 7d, or forever
    #[arg(
        long, env = "SOUK_RETAIN_USER_EVENTS", value_name = "DURATION", default_value = "forever",
        value_parser = events
    )]
    pub(crate) retain_user_events: Retention,

    /// Newest events of each room that are kept however old they are
    #[arg(
        long, env = "SOUK_RETAIN_EVENTS_MIN", value_name = "COUNT", default_value = "1000",
        value_parser = count::<u32>
    )]
    pub(crate) retain_events_min: u32,

    /// How long the audit trail is kept: at least 90d, or forever. Whole days are deleted, and that is audited
    #[arg(
        long, env = "SOUK_RETAIN_AUDIT", value_name = "DURATION", default_value = "forever",
        value_parser = audit
    )]
    pub(crate) retain_audit: Retention,
}

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retention {
    /// Always.
    Forever,
    /// At least so long.
    For(Duration),
}

impl Retention {
    /// How long, unless for ever.
    pub(crate) fn limit(self) -> Option<Duration> {
        match self {
            Self::Forever => None,
            Self::For(duration) => Some(duration),
        }
    }
}

/// Not a time that something may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidRetention {
    /// Neither a duration nor `forever`.
    #[error("must be forever, or a duration with its unit, such as 30d")]
    Malformed,
    /// Shorter than clients may be away.
    #[error("must be forever or at least 7d: so long clients may be away and still resume")]
    EventsTooShort,
    /// Shorter than an inquiry takes.
    #[error("must be forever or at least 90d: an inquiry needs a trail")]
    AuditTooShort,
}

impl FromStr for Retention {
    type Err = InvalidRetention;
    fn from_str(text: &str) -> Result<Self, InvalidRetention> {
        match text {
            "forever" => Ok(Self::Forever),
            text => duration(text).map(Self::For).map_err(|_| InvalidRetention::Malformed),
        }
    }
}

const DAY: Duration = Duration::from_secs(86_400);

fn events(text: &str) -> Result<Retention, InvalidRetention> {
    at_least(text, 7, InvalidRetention::EventsTooShort)
}

fn audit(text: &str) -> Result<Retention, InvalidRetention> {
    at_least(text, 90, InvalidRetention::AuditTooShort)
}

fn at_least(text: &str, days: u32, too_short: InvalidRetention) -> Result<Retention, InvalidRetention> {
    let retention: Retention = text.parse()?;
    match retention.limit() {
        Some(limit) if limit < DAY * days => Err(too_short),
        _ => Ok(retention),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_promised_is_kept_at_least() {
        assert_eq!(events("forever"), Ok(Retention::Forever));
        assert_eq!(events("168h"), Ok(Retention::For(7 * DAY)));
        assert_eq!(events("6d"), Err(InvalidRetention::EventsTooShort));
        assert_eq!(audit("90d"), Ok(Retention::For(90 * DAY)));
        assert_eq!(audit("89d"), Err(InvalidRetention::AuditTooShort));
        for text in ["", "30", "always", "0d"] {
            assert_eq!(events(text), Err(InvalidRetention::Malformed), "{text}");
        }
    }
}
