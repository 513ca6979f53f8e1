//! A server that speaks like Ollama or like OpenAI, and plays what a test tells it, faults included.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

/// Longer than anything here takes on any machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is done on one connection after its request was read. After the last step the connection is closed.
#[derive(Clone)]
pub enum Step {
    /// Bytes as they are.
    Send(Vec<u8>),
    /// One chunk of a chunked body.
    Chunk(Vec<u8>),
    /// The same chunk, until the client is gone.
    Endless(Vec<u8>),
    /// The same chunk every 20 ms, until the client is gone.
    Trickle(Vec<u8>),
    /// Nothing, until the client is gone.
    Stall,
    /// Nothing, until the test says so.
    Until(Arc<Notify>),
}

/// A request that the server got.
pub struct Asked {
    /// Request line and headers.
    pub head: String,
    pub body: Value,
}

/// The server. It plays one script per connection, in order, and accepts no more connections after the last.
pub struct ModelServer {
    address: SocketAddr,
    asked: mpsc::Receiver<Asked>,
    left: mpsc::Receiver<()>,
}

impl ModelServer {
    /// Plays one script.
    pub async fn playing(script: impl IntoIterator<Item = Step>) -> Self {
        Self::playing_all([script.into_iter().collect()]).await
    }

    /// Plays these scripts, one per connection.
    pub async fn playing_all(scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        Self::on(std::net::TcpListener::bind("127.0.0.1:0").unwrap(), scripts)
    }

    /// The same on a port that was taken before, so that others can be told of it first.
    pub fn on(listener: std::net::TcpListener, scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let address = listener.local_addr().unwrap();
        let (ask, asked) = mpsc::channel(16);
        let (leave, left) = mpsc::channel(16);
        let scripts: Vec<_> = scripts.into_iter().collect();
        tokio::spawn(async move {
            for script in scripts {
                let (stream, _) = listener.accept().await.unwrap();
                let (ask, leave) = (ask.clone(), leave.clone());
                tokio::spawn(async move {
                    if play(stream, script, ask).await.is_gone() {
                        let _ = leave.send(()).await;
                    }
                });
            }
        });
        Self { address, asked, left }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next request.
    pub async fn asked(&mut self) -> Asked {
        let asked = tokio::time::timeout(PATIENCE, self.asked.recv()).await;
        asked.expect("a request comes").expect("the server runs")
    }

    /// Whether there was a request that no test has taken.
    pub fn was_asked(&mut self) -> bool {
        self.asked.try_recv().is_ok()
    }

    /// Waits until the client closes a connection on which the server was not done.
    pub async fn left(&mut self) {
        let left = tokio::time::timeout(PATIENCE, self.left.recv()).await;
        left.expect("the client closes the connection").expect("the server runs");
    }
}

/// How a connection ended.
#[derive(PartialEq)]
enum Ended {
    /// The script was played.
    Played,
    /// The client closed first.
    Gone,
}

impl Ended {
    fn is_gone(&self) -> bool {
        *self == Self::Gone
    }
}

async fn play(mut stream: TcpStream, script: Vec<Step>, ask: mpsc::Sender<Asked>) -> Ended {
    let Some(asked) = request(&mut stream).await else { return Ended::Gone };
    let _ = ask.send(asked).await;
    for step in script {
        let sent = match step {
            Step::Send(bytes) => stream.write_all(&bytes).await,
            Step::Chunk(bytes) => stream.write_all(&chunk(&bytes)).await,
            Step::Endless(bytes) => loop {
                if let Err(gone) = stream.write_all(&chunk(&bytes)).await {
                    break Err(gone);
                }
            },
            Step::Trickle(bytes) => loop {
                if let Err(gone) = stream.write_all(&chunk(&bytes)).await {
                    break Err(gone);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            },
            Step::Until(go) => {
                go.notified().await;
                Ok(())
            }
            Step::Stall => match stream.read(&mut [0; 1]).await {
                Ok(0) | Err(_) => return Ended::Gone,
                Ok(_) => panic!("the client sends more than its request"),
            },
        };
        if sent.is_err() {
            return Ended::Gone;
        }
    }
    let _ = stream.shutdown().await;
    Ended::Played
}

/// Reads one request; `None` if it is none, such as the beginning of TLS.
async fn request(stream: &mut TcpStream) -> Option<Asked> {
    let mut received = Vec::new();
    loop {
        if let Some(at) = received.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(received[..at].to_vec()).ok()?;
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
            let length: usize = length.parse().ok()?;
            if received.len() >= at + 4 + length {
                return Some(Asked { head, body: serde_json::from_slice(&received[at + 4..]).ok()? });
            }
        }
        if received.first().is_some_and(|first| *first != b'P')
            || stream.read_buf(&mut received).await.ok()? == 0
        {
            return None;
        }
    }
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The end of a chunked body.
pub fn end() -> Step {
    Step::Send(b"0\r\n\r\n".to_vec())
}

/// A whole response with a body of known length.
pub fn response(status: &str, headers: &str, body: &str) -> Step {
    let length = body.len();
    Step::Send(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes())
}

/// Which interface the server speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Dialect {
    Ollama,
    OpenAi,
}

impl Dialect {
    pub const BOTH: [Dialect; 2] = [Dialect::Ollama, Dialect::OpenAi];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ollama => "ollama",
            Self::OpenAi => "openai",
        }
    }

    /// The head of a stream.
    pub fn head(self) -> Step {
        let kind = match self {
            Self::Ollama => "application/x-ndjson",
            Self::OpenAi => "text/event-stream; charset=utf-8",
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
        Step::Send(head.into_bytes())
    }

    /// A piece of the text, as bytes of the stream.
    pub fn piece(self, text: &str) -> Vec<u8> {
        match self {
            Self::Ollama => line(&json!({"model": "llama3.2", "response": text, "done": false})),
            Self::OpenAi => event(&json!({"choices": [{"index": 0, "delta": {"content": text}}]})),
        }
    }

    /// What says that the text is whole.
    pub fn done(self) -> Vec<u8> {
        match self {
            Self::Ollama => {
                line(&json!({"response": "", "done": true, "done_reason": "stop", "context": [1, 2, 3]}))
            }
            Self::OpenAi => {
                let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
                [event(&stop), b"data: [DONE]\n\n".to_vec()].concat()
            }
        }
    }

    /// The service's report of an error within the stream.
    pub fn error(self, message: &str) -> Vec<u8> {
        match self {
            Self::Ollama => line(&json!({"error": message})),
            Self::OpenAi => event(&json!({"error": {"message": message, "type": "server_error"}})),
        }
    }

    /// A whole answer with this text.
    pub fn answer(self, text: &str) -> Vec<Step> {
        vec![self.head(), Step::Chunk(self.piece(text)), Step::Chunk(self.done()), end()]
    }
}

fn line(value: &Value) -> Vec<u8> {
    format!("{value}\n").into_bytes()
}

fn event(value: &Value) -> Vec<u8> {
    format!("data: {value}\n\n").into_bytes()
}
