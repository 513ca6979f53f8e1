//! Fetches an issuer's key set: bounded in time and size, without redirects, on a thread that may block.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::TlsConfig;
use url::Url;

use super::config::is_loopback;

/// Largest key set accepted; Clerk's has 1 to 2 KiB.
const MAX_BYTES: u64 = 256 * 1024;

/// Why a key set could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("cannot read it: {0}")]
    File(#[from] std::io::Error),
    #[error("cannot fetch it: {0}")]
    Http(#[from] ureq::Error),
    #[error("it is larger than 256 KiB")]
    TooLarge,
}

/// Reads a key set from a file.
pub(super) fn from_file(path: &Path) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES { Err(FetchError::TooLarge) } else { Ok(bytes) }
}

/// An HTTP client for one issuer's URL; `timeout` spans everything from name resolution to the last byte.
pub(super) fn client(url: &Url, timeout: Duration) -> ureq::Agent {
    // Passed here rather than installed process-wide: a library must not choose for its process.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider).build();
    let builder = ureq::Agent::config_builder()
        .tls_config(tls)
        .https_only(url.scheme() == "https")
        // A redirect would lead to a URL that nobody configured.
        .max_redirects(0)
        .timeout_global(Some(timeout))
        .max_idle_connections(0)
        .user_agent(concat!("souk/", env!("CARGO_PKG_VERSION")));
    let builder = if is_loopback(url) { builder.proxy(None) } else { builder };
    builder.build().new_agent()
}

/// Fetches a key set. Blocks, for the client's timeout at most.
pub(super) fn from_url(client: &ureq::Agent, url: &Url) -> Result<Vec<u8>, FetchError> {
    let mut response = client.get(url.as_str()).header("accept", "application/json").call()?;
    match response.body_mut().with_config().limit(MAX_BYTES).read_to_vec() {
        Err(ureq::Error::BodyExceedsLimit(_)) => Err(FetchError::TooLarge),
        read => Ok(read?),
    }
}
