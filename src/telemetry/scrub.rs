//! The last line of defence between tokens and the log.

use std::borrow::Cow;

/// What a credential follows: query parameters, headers and JSON fields, in lower case.
const BEFORE_CREDENTIALS: [&str; 7] =
    ["token=", "ticket=", "token\":\"", "bearer ", "bearer, ", "password\":\"", "secret: "];

/// Every signed JSON Web Token begins so: `{"` in base64url.
const JWT: &str = "eyJ";

/// `text` with what looks like a token, ticket or password replaced by `***`.
pub(super) fn scrub(text: &str) -> Cow<'_, str> {
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

/// Where the next credential begins, at or after `from`.
fn next_credential(text: &str, lower: &str, from: usize) -> Option<usize> {
    let marked = BEFORE_CREDENTIALS
        .iter()
        .filter_map(|mark| lower.get(from..)?.find(mark).map(|found| from + found + mark.len()));
    let bare = text.get(from..)?.find(JWT).map(|found| from + found);
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
        ];
        for (text, clean) in cases {
            assert_eq!(scrub(text), clean);
        }
    }

    #[test]
    fn other_text_passes_unchanged() {
        for text in
            ["", "GET /offers/{id} 200", "token expired", "token=", "žluťoučký kůň token=", "?token=&x=1"]
        {
            assert_eq!(scrub(text), text);
        }
    }
}
