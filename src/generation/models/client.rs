//! The HTTP client of the models: one request to one configured address, and its answer line by line.
//!
//! It follows no redirects and asks no proxy: the user's text goes to the address that the operator named and
//! to no other. Each generation has a connection of its own, so that dropping the answer closes it, which is
//! how the services learn that nobody waits any more.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::GenerationError;
use super::lines::Lines;
use super::refusal::{LARGEST_BODY, failure, loggable};
use crate::clock::Clock;
use crate::generation::error::SetUpError;
use crate::secret::Secret;

/// Time limit of connecting, per address of the host; the deadline for the first piece holds above it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client for one address of one service.
#[derive(Debug, Clone)]
pub(in crate::generation) struct Client {
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: Uri,
    /// `Authorization`, marked as sensitive, which hides it from `Debug`.
    authorization: Option<HeaderValue>,
    clock: Clock,
}

/// A request, ready to be sent.
pub(super) struct Request {
    /// The body, in JSON.
    pub(super) body: Vec<u8>,
    /// What the user wrote, which nothing in the log may repeat.
    pub(super) written: String,
    /// The media type that the answer must have.
    pub(super) accept: &'static str,
}

impl Client {
    /// A client for this address. `key` is sent as a bearer token.
    ///
    /// # Errors
    /// If the address or the key cannot be sent, or TLS cannot be set up.
    pub(in crate::generation) fn new(
        address: &str,
        key: Option<&Secret<String>>,
        clock: Clock,
    ) -> Result<Self, SetUpError> {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_nodelay(true);
        // The scheme is checked by the connector above, which needs `https` to pass here.
        tcp.enforce_http(false);
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(Arc::new(provider))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let http = legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        let authorization = key.map(|key| {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose()))?;
            value.set_sensitive(true);
            Ok::<_, SetUpError>(value)
        });
        let address = address.parse().map_err(|_| SetUpError::Address)?;
        Ok(Self { http, address, authorization: authorization.transpose()?, clock })
    }

    /// Sends the request and reads the head of the answer.
    pub(super) async fn send(&self, request: &Request) -> Result<AnswerLines, GenerationError> {
        let mut head = hyper::Request::post(self.address.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, request.accept)
            .header(USER_AGENT, concat!("souk/", env!("CARGO_PKG_VERSION")));
        if let Some(authorization) = &self.authorization {
            head = head.header(AUTHORIZATION, authorization);
        }
        let body = Full::new(Bytes::from(request.body.clone()));
        let whole =
            head.body(body).map_err(|error| GenerationError::Unavailable { detail: error.to_string() })?;
        let answer = self.http.request(whole).await.map_err(|error| match error.is_connect() {
            true => GenerationError::Unavailable { detail: loggable(&causes(&error), "") },
            false => GenerationError::Cut,
        })?;
        if answer.status() != StatusCode::OK {
            return Err(self.refusal(answer, &request.written).await);
        }
        let media_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case(request.accept) {
            return Err(GenerationError::Malformed { detail: "the answer has another media type" });
        }
        Ok(AnswerLines { body: answer.into_body(), lines: Lines::default() })
    }

    async fn refusal(&self, answer: Response<Incoming>, written: &str) -> GenerationError {
        let (head, body) = answer.into_parts();
        // A body that is too long or cut says nothing; the status does.
        let body = Limited::new(body, LARGEST_BODY).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        failure(head.status, &head.headers, &body, written, self.clock.now())
    }
}

/// An error and what caused it, outermost first.
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}

/// The lines of an answer. Dropping it closes the connection.
pub(super) struct AnswerLines {
    body: Incoming,
    lines: Lines,
}

impl AnswerLines {
    /// The next line; `None` at the end of the body, wherever in a line that is.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, GenerationError> {
        loop {
            if let Some(line) = self.lines.next()? {
                return Ok(Some(line.to_vec()));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            // The connection broke off, or the body is shorter than announced.
            let frame = frame.map_err(|_| GenerationError::Cut)?;
            if let Some(chunk) = frame.data_ref() {
                self.lines.push(chunk);
            }
        }
    }
}
