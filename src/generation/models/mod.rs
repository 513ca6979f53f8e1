//! Generators that ask a language model over HTTP: Ollama, and whatever speaks OpenAI's chat completions.
//!
//! `client` sends one request and reads the answer line by line, the two protocols turn lines into text,
//! `templates` says what the models are told. A text is whole only if the protocol's own end of it was read.

mod client;
mod lines;
mod ollama;
mod openai;
mod refusal;
mod sse;
mod templates;

pub(super) use client::Client;
pub(super) use ollama::Ollama;
pub(super) use openai::OpenAi;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::error::GenerationError;
use super::generator::TextStream;
use client::Request;

/// What a protocol reads from one line of the answer.
#[derive(Debug, PartialEq)]
enum Event {
    /// The next piece of the text; may be empty.
    Piece(String),
    /// The service says that the text is whole, perhaps with its last piece.
    Done(String),
    /// The service reports an error in the middle of the stream.
    Error(String),
    /// Nothing that concerns the text.
    Nothing,
}

/// Turns the lines of an answer into events. It may keep state between lines.
trait Protocol: Send + 'static {
    fn line(&mut self, line: &[u8]) -> Result<Event, GenerationError>;
}

/// Sends `request` when first polled, and reads the answer by `protocol` until the announced end.
fn text_of(client: Client, request: Request, protocol: impl Protocol) -> TextStream {
    let read = async move {
        let lines = client.send(&request).await?;
        Ok(stream::try_unfold(Some((lines, protocol, request)), async |state| {
            let Some((mut lines, mut protocol, request)) = state else { return Ok(None) };
            loop {
                let line = lines.next().await?.ok_or(GenerationError::Cut)?;
                match protocol.line(&line)? {
                    Event::Nothing => {}
                    Event::Piece(text) => return Ok(Some((text, Some((lines, protocol, request))))),
                    Event::Done(text) => return Ok(Some((text, None))),
                    Event::Error(said) => {
                        let detail = refusal::loggable(&said, &request.written);
                        return Err(GenerationError::Refused { status: None, detail });
                    }
                }
            }
        }))
    };
    stream::once(read).try_flatten().boxed()
}
