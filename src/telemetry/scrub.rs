//! Removes credentials from log lines: the last line of defence.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Text that precedes a credential: query parameters, headers and JSON fields, in lower case.
const BEFORE_CREDENTIALS: [&str; 9] = [
    "token=",
    "ticket=",
    "secret=",
    "token\":\"",
    "secret\":\"",
    "bearer ",
    "bearer, ",
    "password\":\"",
    "secret: ",
];

/// Prefixes of credentials: signed JSON Web Tokens (`{"` in base64url), our refresh tokens, our tickets.
const BEGINNINGS: [&str; 4] = ["eyJ", "souk_rt_", "souk_tk_", "souk_in_"];

/// How many layers of percent-encoding are undone: proxies and careless libraries encode repeatedly.
const ENCODED_AT_MOST: usize = 3;

/// Replaces what looks like a token, ticket or password with `***`, also where it is percent-encoded: such
/// text is returned decoded.
pub(super) fn scrub(text: &str) -> Cow<'_, str> {
    let mut clean = scrub_plain(text);
    let mut seen = clean.to_string();
    for _ in 0..ENCODED_AT_MOST {
        let decoded = percent_decode_str(&seen).decode_utf8_lossy().into_owned();
        if decoded == seen {
            break;
        }
        seen = match scrub_plain(&decoded) {
            Cow::Borrowed(_) => decoded,
            Cow::Owned(cleaner) => {
                clean = Cow::Owned(cleaner.clone());
                cleaner
            }
        };
    }
    clean
}

/// Replaces `secret` in `text` with `***`, also where it is percent-encoded.
pub(crate) fn without_secret<'t>(text: &'t str, secret: &str) -> Cow<'t, str> {
    let mut decoded = Cow::Borrowed(text);
    for _ in 0..=ENCODED_AT_MOST {
        if !secret.is_empty() && decoded.contains(secret) {
            return Cow::Owned(decoded.replace(secret, "***"));
        }
        let next = percent_decode_str(&decoded).decode_utf8_lossy().into_owned();
        decoded = Cow::Owned(next);
    }
    Cow::Borrowed(text)
}

fn scrub_plain(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    let mut clean = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(start) = next_credential(text, &lower, at) {
        let rest = text.get(start..).unwrap_or_default();
        let length = rest.find(ends_credential).unwrap_or(rest.len());
        if length > 0 {
            clean.push_str(text.get(kept..start).unwrap_or_default());
            clean.push_str("***");
            kept = start + length;
        }
        at = start + length;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(text.get(kept..).unwrap_or_default());
    Cow::Owned(clean)
}

/// The start of the next credential, at or after `from`.
fn next_credential(text: &str, lower: &str, from: usize) -> Option<usize> {
    let marked = BEFORE_CREDENTIALS
        .iter()
        .filter_map(|mark| lower.get(from..)?.find(mark).map(|found| from + found + mark.len()));
    let rest = text.get(from..)?;
    let bare = BEGINNINGS.iter().filter_map(|mark| rest.find(mark).map(|found| from + found));
    marked.chain(bare).min()
}

fn ends_credential(c: char) -> bool {
    c.is_whitespace() || matches!(c, '&' | '"' | '\'' | ',' | ';' | ')' | '}' | '#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_pass() {
        let cases = [
            ("GET /ws?token=abc.def&client_id=1", "GET /ws?token=***&client_id=1"),
            ("GET /ws?client_id=1&ticket=abc HTTP/1.1", "GET /ws?client_id=1&ticket=*** HTTP/1.1"),
            ("Authorization: Bearer abc.def-_g", "Authorization: Bearer ***"),
            ("Sec-WebSocket-Protocol: bearer, abc", "Sec-WebSocket-Protocol: bearer, ***"),
            (r#"{"refresh_token":"abc","password":"x y"}"#, r#"{"refresh_token":"***","password":"*** y"}"#),
            ("odd: eyJhbGciOi.eyJzdWIi.sig!", "odd: ***"),
            ("token=a token=b", "token=*** token=***"),
            ("TOKEN=a", "TOKEN=***"),
            ("GET /x/souk_rt_abc-_d/y", "GET /x/***"),
            ("GET /x/souk_tk_abc id=1", "GET /x/*** id=1"),
            ("GET /x?load_test_secret=abc&y=1", "GET /x?load_test_secret=***&y=1"),
            ("GET /x/souk%5Frt%5fabc%2Dd", "GET /x/***"),
            ("GET /x/%73ouk%255Frt%255fabc", "GET /x/***"),
            ("GET /x/%65%79%4AhbGci.x", "GET /x/***"),
            ("GET /ws?tok%65n=abc%26def", "GET /ws?token=***&def"),
            ("GET /x?token=a%26b", "GET /x?token=***"),
        ];
        for (text, clean) in cases {
            assert_eq!(scrub(text), clean);
        }
    }

    #[test]
    fn a_secret_does_not_pass_however_often_it_was_encoded() {
        for text in ["GET /x/a b/c", "GET /x/a%20b/c", "GET /x/%61%2520b%252Fc", "GET /x/%25%36%31%20b/c"] {
            assert_eq!(without_secret(text, "a b/c"), "GET /x/***", "{text}");
        }
        assert_eq!(without_secret("GET /x/a%20b", "a b/c"), "GET /x/a%20b");
    }

    #[test]
    fn other_text_passes_unchanged() {
        for text in [
            "",
            "GET /offers/{id} 200",
            "token expired",
            "token=",
            "žluťoučký kůň token=",
            "?token=&x=1",
            "GET /a%20b%2",
            "souk_auth_refusals_total",
        ] {
            assert_eq!(scrub(text), text);
        }
    }
}
