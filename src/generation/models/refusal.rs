//! From an HTTP response that is no stream of text to the failure it stands for.

use std::time::Duration;

use hyper::header::RETRY_AFTER;
use hyper::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::GenerationError;
use crate::clock::Timestamp;

/// How much of an error body is read.
pub(super) const LARGEST_BODY: usize = 16 * 1024;

/// How much of the service's words is logged, in characters.
const LONGEST_DETAIL: usize = 200;

/// So many characters in a row that the user wrote, too, are an echo and no coincidence.
const ECHO: usize = 12;

/// Longest wait that is passed on: a service that asks for more is not worth waiting for.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The failure that a response with another status than 200 stands for. `written` is what the user wrote.
pub(super) fn failure(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    written: &str,
    now: Timestamp,
) -> GenerationError {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            GenerationError::Busy { retry_after: retry_after(headers, now) }
        }
        _ => {
            GenerationError::Refused { status: Some(status.as_u16()), detail: loggable(&said(body), written) }
        }
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
            Timestamp::from_seconds(date.as_second())?.since(now)
        }
    };
    Some(wait.min(LONGEST_WAIT))
}

/// The service's words in an error body: `{"error": "…"}`, `{"error": {"message": "…"}}`, or nothing.
fn said(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Body {
        error: Said,
    }
    serde_json::from_slice::<Body>(body).map(|body| body.error.into_text()).unwrap_or_default()
}

/// An error as Ollama and OpenAI write it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Said {
    Text(String),
    Object { message: String },
}

impl Said {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Object { message: text } => text,
        }
    }
}

/// The service's words for the log: one line, bounded, and nothing at all if they repeat what the user wrote,
/// as servers do that show the request that they refuse.
pub(super) fn loggable(said: &str, written: &str) -> String {
    let line: Vec<char> = said
        .chars()
        .take(LONGEST_DETAIL)
        .map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c })
        .collect();
    // The same folding on both sides, so that no line break hides an echo.
    let written: String = written.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let written_at_all = written.trim();
    let echoes = line.windows(ECHO).any(|part| written.contains(&String::from_iter(part)));
    let line = String::from_iter(line);
    if echoes || (!written_at_all.is_empty() && line.contains(written_at_all)) {
        return "(repeats the user's text)".to_owned();
    }
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        let now = "2026-05-01T09:30:00Z".parse().unwrap();
        match failure(StatusCode::TOO_MANY_REQUESTS, &headers, b"", "", now) {
            GenerationError::Busy { retry_after } => retry_after,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Fri, 01 May 2026 09:30:12 GMT"), Some(Duration::from_secs(12)));
        assert_eq!(wait("Fri, 01 May 2026 09:29:00 GMT"), Some(Duration::ZERO), "past already");
        assert_eq!(wait("99999999999"), Some(LONGEST_WAIT));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
    }

    #[test]
    fn an_error_body_gives_its_message_in_either_form() {
        assert_eq!(said(br#"{"error":"model 'x' not found"}"#), "model 'x' not found");
        assert_eq!(said(br#"{"error":{"message":"no such model","code":404}}"#), "no such model");
        assert_eq!(said(b"<html>Internal Server Error</html>"), "");
    }

    #[test]
    fn what_is_logged_is_one_bounded_line_without_the_users_text() {
        assert_eq!(loggable("no such\r\nmodel\u{1b}[31m", "My diary."), "no such  model [31m");
        assert_eq!(loggable(&"x".repeat(1_000), "My diary.").len(), LONGEST_DETAIL);
        let echo = r#"invalid input: "I slept\nbadly again""#;
        assert_eq!(
            loggable(&echo.replace("\\n", "\n"), "Today I slept badly again."),
            "(repeats the user's text)"
        );
        assert_eq!(loggable("bad input: Sad.", "Sad."), "(repeats the user's text)");
        assert_eq!(loggable("model is loading", "Today I slept badly again."), "model is loading");
        assert_eq!(loggable("model is loading", ""), "model is loading");
    }
}
