//! An HTTP client whose assertions report the request and the whole response.

use std::future::{Future, IntoFuture};
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use flate2::read::GzDecoder;
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::CONTRACT;

/// A client, with or without a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    token: Option<String>,
}

/// A request to send; awaiting it sends it and returns the response.
pub struct Call {
    what: String,
    request: RequestBuilder,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    what: String,
    /// Status code.
    pub status: u16,
    /// Response headers.
    pub headers: HeaderMap,
    /// Body, as text.
    pub text: String,
}

impl Client {
    /// A client of this server, with or without a token.
    pub fn new(address: SocketAddr, token: Option<String>) -> Self {
        Self { http: http(None), address, token }
    }

    /// The same client, calling from this loopback address (any of 127.0.0.0/8).
    pub fn at(&self, address: &str) -> Self {
        Self { http: http(Some(address.parse().unwrap())), ..self.clone() }
    }

    /// The same client, with a new connection for each request: a server that closes idle ones soon never closes one
    /// that is just being used again.
    pub fn without_keep_alive(&self) -> Self {
        Self { http: builder().pool_max_idle_per_host(0).build().unwrap(), ..self.clone() }
    }

    /// A client of the same server, with this token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The token that it sends.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// `POST` with a JSON body; `Value::Null` for none.
    pub fn post(&self, path: &str, body: Value) -> Call {
        self.call(Method::POST, path).json(body)
    }

    /// `POST` with a body of plain text.
    pub fn post_text(&self, path: &str, body: &str) -> Call {
        let mut call = self.call(Method::POST, path);
        call.request = call.request.body(body.to_owned());
        call
    }

    /// `POST` with these bytes; the media type is set by a header.
    pub fn post_bytes(&self, path: &str, body: Vec<u8>) -> Call {
        let mut call = self.call(Method::POST, path);
        call.request = call.request.body(body);
        call
    }

    /// `PUT` with a JSON body; `Value::Null` for none.
    pub fn put(&self, path: &str, body: Value) -> Call {
        self.call(Method::PUT, path).json(body)
    }

    /// `PATCH` with a JSON body; `Value::Null` for none.
    pub fn patch(&self, path: &str, body: Value) -> Call {
        self.call(Method::PATCH, path).json(body)
    }

    /// A request of any method, without a body.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let what = format!("{method} {path}");
        let mut request = self.http.request(method, format!("http://{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        Call { what, request }
    }
}

fn http(from: Option<IpAddr>) -> reqwest::Client {
    builder().local_address(from).build().unwrap()
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60))
}

impl Call {
    /// Sets a body of this media type, well-formed or not.
    pub fn body(mut self, media_type: &str, body: &str) -> Self {
        self.request = self.request.header("Content-Type", media_type).body(body.to_owned());
        self
    }

    /// Adds a header, beside others of the same name.
    pub fn add_header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Sets a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.request = self.request.headers([(name, value.parse().unwrap())].into_iter().collect());
        self
    }

    /// Adds an `Idempotency-Key`.
    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    /// Adds an `If-Match`.
    pub fn if_match(self, etag: &str) -> Self {
        self.header("If-Match", etag)
    }

    fn json(mut self, body: Value) -> Self {
        if !body.is_null() {
            self.request = self.request.json(&body);
        }
        self
    }

    /// Sends the request; an error if no response came (the server was killed).
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let response = self.request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = text(&headers, &response.bytes().await?);
        if let Some((method, path)) = self.what.split_once(' ') {
            CONTRACT.hold(method, path, status, &headers, &text);
        }
        Ok(Answer { what: self.what, status, headers, text })
    }
}

/// The body as text, inflated if the test has asked for a compressed one.
fn text(headers: &HeaderMap, body: &[u8]) -> String {
    if headers.get("content-encoding").is_none_or(|coding| coding != "gzip") {
        return String::from_utf8_lossy(body).into_owned();
    }
    let mut text = String::new();
    GzDecoder::new(body).read_to_string(&mut text).expect("a whole gzip of text");
    text
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let what = self.what.clone();
            self.try_send().await.unwrap_or_else(|error| panic!("{what}: {error}"))
        })
    }
}

impl Answer {
    /// The JSON body of a 2xx response (null if empty); panics on any other.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{self}");
        self.json()
    }

    /// The JSON body of a response with exactly this status; panics on any other.
    #[track_caller]
    pub fn refused(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        self.json()
    }

    /// The body as JSON; null if empty.
    #[track_caller]
    pub fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{self}: {error}"))
    }

    /// A response header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `ETag`; panics if it is missing.
    #[track_caller]
    pub fn etag(&self) -> &str {
        self.header("etag").unwrap_or_else(|| panic!("no ETag: {self}"))
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} answered {} {}", self.what, self.status, self.text)
    }
}
