//! Responses to request heads that actix-web refuses by itself, below every middleware: malformed, too large
//! or late ones. It sends them without a body; here they get a problem document like all other errors.

use actix_web::http::StatusCode;
use bytes::Bytes;

use crate::http::problem;

/// The response with a problem document; `None` if these bytes are not exactly such a response.
pub(super) fn with_document(response: &[u8]) -> Option<Bytes> {
    let head = std::str::from_utf8(response).ok().filter(|text| text.ends_with("\r\n\r\n"))?;
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5))?;
    let status = StatusCode::from_bytes(status.as_bytes()).ok().filter(StatusCode::is_client_error)?;
    let (before, after) = head.split_once("content-length: 0\r\n")?;
    let document = problem::of_refused_head(status);
    let length = document.len();
    let headers = format!("content-type: application/problem+json\r\ncontent-length: {length}\r\n");
    Some([before, &headers, after, &document].concat().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_without_a_body_gets_a_document() {
        let response =
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let response = String::from_utf8(with_document(response).unwrap().to_vec()).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{head}");
        assert!(head.ends_with(&format!("content-length: {}\r\nconnection: close", body.len())), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["status"], &body["code"]), (&431.into(), &"headers_too_large".into()));
    }

    #[test]
    fn nothing_else_is_changed() {
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 1\r\n\r\nx",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "",
        ] {
            assert_eq!(with_document(other.as_bytes()), None, "{other}");
        }
    }
}
