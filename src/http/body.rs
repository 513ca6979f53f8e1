//! Reads request bodies completely, within a limit on their decoded size: a compressed body is inflated piece
//! by piece, and refused once it exceeds the limit.
//!
//! Every route reads its body through this module. actix-web's own extractors inflate each chunk completely
//! before they count it, so that 100 KB in one chunk become 100 MB in memory.

use std::io::{self, BufRead, ErrorKind, Read};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web;
use actix_web::{HttpMessage as _, HttpRequest};
use bytes::{Buf, Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use super::Problem;

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// The decoded body exceeds the limit.
    #[error("the body is too large")]
    TooLarge,
    /// The body has a `Content-Encoding` other than gzip.
    #[error("a body may be compressed with gzip, and with nothing else")]
    UnsupportedEncoding,
    /// The body is declared as gzip, but is not one complete gzip stream.
    #[error("the body is not one whole gzip stream")]
    Corrupt,
    /// The connection broke off before the body's end.
    #[error("the body broke off")]
    BrokenOff,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let (status, code) = match error {
            BodyError::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            BodyError::UnsupportedEncoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding"),
            BodyError::Corrupt | BodyError::BrokenOff => (StatusCode::BAD_REQUEST, "bad_body"),
        };
        let problem = Self::new(status, code, error.to_string());
        match error {
            // RFC 9110, section 12.5.3: names the coding that would have been accepted.
            BodyError::UnsupportedEncoding => problem.with_header(header::ACCEPT_ENCODING, "gzip"),
            _ => problem,
        }
    }
}

/// Reads and inflates the whole body. Memory is bounded by `limit` plus one allocation step.
///
/// # Errors
/// See [`BodyError`].
pub(crate) async fn read_body(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> Result<Bytes, BodyError> {
    let encoding = Encoding::of(request.headers())?;
    // Compression does not enlarge a body by more than a gzip stream's overhead.
    let sent_limit = match encoding {
        Encoding::Identity => limit,
        Encoding::Gzip => limit.saturating_add(GZIP_OVERHEAD),
    };
    if announced(request.headers()).is_some_and(|length| length > sent_limit) {
        return Err(BodyError::TooLarge);
    }
    let mut body = Limited { bytes: BytesMut::new(), limit };
    let mut inflater = match encoding {
        Encoding::Identity => None,
        Encoding::Gzip => Some(Inflater::new()),
    };
    let mut sent: usize = 0;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| BodyError::BrokenOff)?;
        sent = sent.saturating_add(chunk.len());
        if sent > sent_limit {
            return Err(BodyError::TooLarge);
        }
        match &mut inflater {
            None => body.extend(&chunk)?,
            Some(inflater) => inflater.inflate(chunk, &mut body)?,
        }
    }
    if let Some(inflater) = inflater.filter(|_| sent > 0) {
        inflater.finish(&mut body)?;
    }
    Ok(body.bytes.freeze())
}

/// Parses a form-encoded body.
pub(super) fn parse_form<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string());
    let parsed = text.and_then(|text| web::Query::<T>::from_query(text).map_err(|error| error.to_string()));
    parsed.map(web::Query::into_inner).map_err(|error| {
        let message = error.strip_prefix("Query deserialize error: ").unwrap_or(&error).to_owned();
        crate::domain::Error::invalid("", message).into()
    })
}

/// Whether the `Content-Type` is that of a form.
pub(super) fn is_form(request: &HttpRequest) -> bool {
    request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Allowance for a gzip stream's header, trailer, names and block headers: more than any encoder needs, and a
/// bound on streams that consist of nothing else.
const GZIP_OVERHEAD: usize = 64 * 1024;

/// The supported values of `Content-Encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    /// Stacked codings are refused: each multiplies what one byte may cost.
    fn of(headers: &HeaderMap) -> Result<Self, BodyError> {
        let mut values = headers.get_all(header::CONTENT_ENCODING);
        let Some(value) = values.next() else { return Ok(Self::Identity) };
        let name = value.to_str().map_err(|_| BodyError::UnsupportedEncoding)?.trim();
        // RFC 9110, section 8.4.1.3: `x-gzip` is equivalent to `gzip`.
        let is_gzip = name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip");
        match values.next() {
            None if is_gzip => Ok(Self::Gzip),
            None if name.eq_ignore_ascii_case("identity") => Ok(Self::Identity),
            _ => Err(BodyError::UnsupportedEncoding),
        }
    }
}

/// The decoded body so far.
struct Limited {
    bytes: BytesMut,
    limit: usize,
}

impl Limited {
    fn extend(&mut self, more: &[u8]) -> Result<(), BodyError> {
        if self.bytes.len() + more.len() > self.limit {
            return Err(BodyError::TooLarge);
        }
        self.bytes.extend_from_slice(more);
        Ok(())
    }
}

/// Inflates gzip (RFC 1952), with any number of members, as its chunks arrive.
struct Inflater(MultiGzDecoder<Received>);

/// The reader over the current chunk; between chunks it reports `WouldBlock`.
struct Received {
    chunk: Bytes,
    ended: bool,
}

impl Inflater {
    fn new() -> Self {
        Self(MultiGzDecoder::new(Received { chunk: Bytes::new(), ended: false }))
    }

    /// Inflates all of `chunk`, or as much as the limit of `body` allows.
    fn inflate(&mut self, chunk: Bytes, body: &mut Limited) -> Result<(), BodyError> {
        self.0.get_mut().chunk = chunk;
        let mut piece = [0; 8 * 1024];
        loop {
            match self.0.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => body.extend(piece.get(..length).unwrap_or_default())?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(BodyError::Corrupt),
            }
        }
    }

    /// Ends the stream, which must be complete.
    fn finish(mut self, body: &mut Limited) -> Result<(), BodyError> {
        self.0.get_mut().ended = true;
        self.inflate(Bytes::new(), body)
    }
}

impl BufRead for Received {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.chunk.is_empty() && !self.ended {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount.min(self.chunk.len()));
    }
}

impl Read for Received {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(into)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// Inflates `sent` in chunks of `size` bytes.
    fn inflated(sent: &[u8], size: usize, limit: usize) -> Result<Vec<u8>, BodyError> {
        let mut body = Limited { bytes: BytesMut::new(), limit };
        let mut inflater = Inflater::new();
        for chunk in sent.chunks(size) {
            inflater.inflate(Bytes::copy_from_slice(chunk), &mut body)?;
        }
        inflater.finish(&mut body)?;
        Ok(body.bytes.to_vec())
    }

    #[test]
    fn a_body_that_inflates_beyond_its_limit_is_never_held() {
        let bomb = gzip(&vec![0; 50 << 20]);
        let mut body = Limited { bytes: BytesMut::new(), limit: 10_000 };
        let outcome = Inflater::new().inflate(bomb.into(), &mut body);
        assert_eq!(outcome, Err(BodyError::TooLarge));
        assert!(body.bytes.capacity() < 40_000, "{}", body.bytes.capacity());
    }

    proptest! {
        #[test]
        fn chunks_may_end_anywhere(
            text in proptest::collection::vec(any::<u8>(), 0..3_000), at in any::<prop::sample::Index>(), size in 1..100_usize,
        ) {
            let (head, tail) = text.split_at(at.index(text.len() + 1));
            let sent = [gzip(head), gzip(tail)].concat();
            prop_assert_eq!(inflated(&sent, size, text.len()), Ok(text.clone()));
            if !text.is_empty() {
                prop_assert_eq!(inflated(&sent, size, text.len() - 1), Err(BodyError::TooLarge));
            }
        }

        #[test]
        fn what_is_cut_off_is_not_taken_for_whole(text in ".{0,200}", at in any::<prop::sample::Index>(), size in 1..50_usize) {
            let sent = gzip(text.as_bytes());
            let cut = &sent[..at.index(sent.len())];
            prop_assert_eq!(inflated(cut, size, 10_000), Err(BodyError::Corrupt));
        }

        #[test]
        fn whatever_is_sent_is_read_or_refused(sent in proptest::collection::vec(any::<u8>(), 0..200), size in 1..50_usize) {
            let _ = inflated(&sent, size, 1_000);
            let _ = inflated(&[&[0x1f, 0x8b, 8, 0], &sent[..]].concat(), size, 1_000);
        }
    }
}
