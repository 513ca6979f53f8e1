//! An external token issuer: a small HTTP server that publishes keys, and the tokens they sign.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::keys::TestKey;

/// The issuer's `iss`; unrelated to the URL of its keys.
pub const ISS: &str = "https://issuer.example";

/// A running issuer with one key, `k1`.
pub struct Issuer {
    /// The signing key.
    pub key: TestKey,
    address: SocketAddr,
    shared: Arc<Shared>,
    server: Option<JoinHandle<()>>,
    folder: tempfile::TempDir,
}

#[derive(Default)]
struct Shared {
    published: Mutex<Option<String>>,
    asked: AtomicUsize,
    stopping: AtomicBool,
}

impl Issuer {
    /// Starts an issuer that signs with `algorithm`.
    pub fn start(algorithm: Algorithm) -> Self {
        let key = TestKey::new(algorithm);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let serving = shared.clone();
        let server = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stopping.load(Ordering::SeqCst) {
                    return;
                }
                serve(stream.unwrap(), &serving);
            }
        });
        let issuer =
            Self { key, address, shared, server: Some(server), folder: tempfile::tempdir().unwrap() };
        issuer.publish(&[("k1", &issuer.key)]);
        issuer
    }

    /// Replaces the published keys.
    pub fn publish(&self, keys: &[(&str, &TestKey)]) {
        let keys: Vec<Value> = keys.iter().map(|(kid, key)| key.jwk(kid)).collect();
        *self.shared.published.lock().unwrap() = Some(json!({ "keys": keys }).to_string());
    }

    /// Answers with 500 from now on.
    pub fn break_down(&self) {
        *self.shared.published.lock().unwrap() = None;
    }

    /// Number of times its keys were fetched.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Writes a `SOUK_ISSUERS` file that describes it; `entry` adds members.
    pub fn describe(&self, algorithm: &str, entry: &Value) -> PathBuf {
        let url = format!("http://{}/jwks.json", self.address);
        let mut whole = json!({"iss": ISS, "jwks_url": url, "algorithms": [algorithm]});
        whole.as_object_mut().unwrap().extend(entry.as_object().unwrap().clone());
        let path = self.folder.path().join("issuers.json");
        std::fs::write(&path, json!({ "issuers": [whole] }).to_string()).unwrap();
        path
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the accept loop, so that it sees the flag.
        let _ = TcpStream::connect(self.address);
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let request = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
    assert!(request.count() > 0, "an empty request");
    shared.asked.fetch_add(1, Ordering::SeqCst);
    let (status, body) = match shared.published.lock().unwrap().clone() {
        Some(keys) => ("200 OK", keys),
        None => ("500 Internal Server Error", String::new()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let _ = stream.write_all((head + &body).as_bytes());
}
