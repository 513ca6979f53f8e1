//! OpenAI's `/v1/chat/completions` with `stream: true`, which llama.cpp, vLLM and the hosted services speak:
//! one JSON object per server-sent event, then `[DONE]`.
//! <https://platform.openai.com/docs/api-reference/chat-streaming>

use serde::{Deserialize, Serialize};

use super::client::{Client, Request};
use super::refusal::Said;
use super::sse::Events;
use super::templates::{self, Message, Rendered};
use super::{Event, GenerationError, Protocol, text_of};
use crate::generation::generator::{Options, TextGenerator, TextStream};
use crate::generation::prompt::{Author, Prompt};

/// A model behind OpenAI's interface.
#[derive(Debug)]
pub(in crate::generation) struct OpenAi {
    client: Client,
    model: String,
}

impl OpenAi {
    /// The address of the chat completions. `base` is what the services document, with `/v1` or without it.
    pub(in crate::generation) fn address(base: &str) -> String {
        let base = base.trim_end_matches('/');
        format!("{}/v1/chat/completions", base.strip_suffix("/v1").unwrap_or(base))
    }

    pub(in crate::generation) fn new(client: Client, model: String) -> Self {
        Self { client, model }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<SentMessage<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
}

#[derive(Serialize)]
struct SentMessage<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    r#type: &'static str,
    json_schema: NamedSchema<'a>,
}

#[derive(Serialize)]
struct NamedSchema<'a> {
    name: &'static str,
    strict: bool,
    schema: &'a serde_json::Value,
}

impl TextGenerator for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn generate(&self, prompt: Prompt, options: Options) -> TextStream {
        let rendered = templates::render(&prompt);
        let request = Request {
            body: body(&self.model, &rendered, options),
            written: rendered.written(),
            accept: "text/event-stream",
        };
        text_of(self.client.clone(), request, Chunks::default())
    }
}

fn body(model: &str, rendered: &Rendered, Options { temperature, seed, .. }: Options) -> Vec<u8> {
    let turns = rendered.messages.iter().map(|Message { author, text }| SentMessage {
        role: match author {
            Author::User => "user",
            Author::Assistant => "assistant",
        },
        content: text,
    });
    let body = Body {
        model,
        messages: std::iter::once(SentMessage { role: "system", content: &rendered.system })
            .chain(turns)
            .collect(),
        stream: true,
        temperature,
        seed,
        response_format: rendered.schema.as_ref().map(|schema| ResponseFormat {
            r#type: "json_schema",
            json_schema: NamedSchema { name: "plan", strict: true, schema },
        }),
    };
    // Strings and numbers: nothing that JSON cannot express.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The events of a stream.
#[derive(Default)]
struct Chunks {
    events: Events,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<Said>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

impl Protocol for Chunks {
    fn line(&mut self, line: &[u8]) -> Result<Event, GenerationError> {
        let Some(data) = self.events.line(line)? else { return Ok(Event::Nothing) };
        if data == b"[DONE]" {
            return Ok(Event::Done(String::new()));
        }
        let chunk: Chunk = serde_json::from_slice(&data)
            .map_err(|_| GenerationError::Malformed { detail: "an event is not one of OpenAI's objects" })?;
        if let Some(error) = chunk.error {
            return Ok(Event::Error(error.into_text()));
        }
        // One choice was asked for. A chunk without any tells of usage.
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(Event::Nothing) };
        let text = choice.delta.and_then(|delta| delta.content).unwrap_or_default();
        match choice.finish_reason.as_deref() {
            None => Ok(Event::Piece(text)),
            // The last two are what Hugging Face's server says.
            Some("stop" | "eos_token" | "stop_sequence") => Ok(Event::Done(text)),
            Some("length") => Err(GenerationError::TooLong),
            Some("content_filter") => Ok(Event::Error("content_filter".to_owned())),
            // Such as `abort`, or calls of tools, of which it was offered none.
            Some(_) => Err(GenerationError::Cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(data: &str) -> Result<Event, GenerationError> {
        let mut chunks = Chunks::default();
        assert_eq!(chunks.line(format!("data: {data}").as_bytes()), Ok(Event::Nothing));
        chunks.line(b"")
    }

    #[test]
    fn the_end_is_what_the_server_says_it_is() {
        let piece = r#"{"choices":[{"index":0,"delta":{"content":"Hé"},"finish_reason":null}]}"#;
        assert_eq!(event(piece), Ok(Event::Piece("Hé".to_owned())));
        let role = r#"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#;
        assert_eq!(event(role), Ok(Event::Piece(String::new())));
        assert_eq!(event(r#"{"choices":[],"usage":{"total_tokens":9}}"#), Ok(Event::Nothing));
        assert_eq!(event("[DONE]"), Ok(Event::Done(String::new())));
        let ends = |reason| event(&json!({"choices": [{"delta": {}, "finish_reason": reason}]}).to_string());
        assert_eq!(ends("stop"), Ok(Event::Done(String::new())));
        assert_eq!(ends("length"), Err(GenerationError::TooLong));
        assert_eq!(ends("abort"), Err(GenerationError::Cut));
        assert_eq!(ends("content_filter"), Ok(Event::Error("content_filter".to_owned())));
        let error = r#"{"error":{"message":"out of memory","type":"server_error"}}"#;
        assert_eq!(event(error), Ok(Event::Error("out of memory".to_owned())));
        assert!(matches!(event(r#"{"choices":[{"del"#), Err(GenerationError::Malformed { .. })));
    }

    #[test]
    fn the_address_may_name_the_version_or_not() {
        for base in
            ["https://x.example", "https://x.example/", "https://x.example/v1", "https://x.example/v1/"]
        {
            assert_eq!(OpenAi::address(base), "https://x.example/v1/chat/completions");
        }
        assert_eq!(OpenAi::address("http://x/openai"), "http://x/openai/v1/chat/completions");
    }

    #[test]
    fn a_plan_is_asked_for_by_its_schema() {
        let rendered = templates::render(&Prompt::Plan {
            category: "plumbing".to_owned(),
            title: "New bathroom".to_owned(),
            text: "Two sinks.".to_owned(),
            faults: Vec::new(),
        });
        let body = body("m", &rendered, Options { temperature: Some(0.0), ..Options::default() });
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["messages"][0]["role"], "system");
        assert_eq!(body["messages"][1]["role"], "user");
        assert_eq!((&body["stream"], &body["temperature"]), (&json!(true), &json!(0.0)));
        assert_eq!(body["response_format"]["type"], "json_schema");
        assert_eq!(
            body["response_format"]["json_schema"]["schema"]["required"],
            json!(["phases", "summary"])
        );
        assert!(body.get("seed").is_none());
    }
}
