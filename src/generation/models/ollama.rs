//! Ollama's `/api/generate`: one JSON object a line, the last one with `"done": true`.
//! <https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-completion>

use serde::{Deserialize, Serialize};

use super::client::{Client, Request};
use super::templates::{self, Rendered};
use super::{Event, GenerationError, Protocol, text_of};
use crate::generation::generator::{Options, TextGenerator, TextStream};
use crate::generation::prompt::Prompt;

/// A model that an Ollama server runs.
#[derive(Debug)]
pub(in crate::generation) struct Ollama {
    client: Client,
    model: String,
}

impl Ollama {
    /// The address of `/api/generate` below the server's.
    pub(in crate::generation) fn address(base: &str) -> String {
        format!("{}/api/generate", base.trim_end_matches('/'))
    }

    pub(in crate::generation) fn new(client: Client, model: String) -> Self {
        Self { client, model }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    system: &'a str,
    prompt: String,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a serde_json::Value>,
    options: ModelOptions,
}

#[derive(Serialize)]
struct ModelOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
}

impl TextGenerator for Ollama {
    fn name(&self) -> &'static str {
        "ollama"
    }

    fn generate(&self, prompt: Prompt, options: Options) -> TextStream {
        let rendered = templates::render(&prompt);
        let request = Request {
            body: body(&self.model, &rendered, options),
            written: rendered.written(),
            accept: "application/x-ndjson",
        };
        text_of(self.client.clone(), request, ObjectLines)
    }
}

fn body(model: &str, rendered: &Rendered, Options { temperature, seed, .. }: Options) -> Vec<u8> {
    let body = Body {
        model,
        system: &rendered.system,
        prompt: rendered.as_one_prompt(),
        stream: true,
        format: rendered.schema.as_ref(),
        options: ModelOptions { temperature, seed },
    };
    // Strings and numbers: nothing that JSON cannot express.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// One object a line.
struct ObjectLines;

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    response: String,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    error: Option<String>,
}

impl Protocol for ObjectLines {
    fn line(&mut self, line: &[u8]) -> Result<Event, GenerationError> {
        if line.is_empty() {
            return Ok(Event::Nothing);
        }
        let object: Object = serde_json::from_slice(line)
            .map_err(|_| GenerationError::Malformed { detail: "a line is not one of Ollama's objects" })?;
        if let Some(error) = object.error {
            return Ok(Event::Error(error));
        }
        if !object.done {
            return Ok(Event::Piece(object.response));
        }
        match object.done_reason.as_deref() {
            // Servers before 0.1.39 give no reason.
            None | Some("stop") => Ok(Event::Done(object.response)),
            Some("length") => Err(GenerationError::TooLong),
            Some(_) => Err(GenerationError::Cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::generation::prompt::{Author, Turn};

    fn event(line: &str) -> Result<Event, GenerationError> {
        ObjectLines.line(line.as_bytes())
    }

    #[test]
    fn the_end_is_what_the_server_says_it_is() {
        assert_eq!(event(r#"{"model":"m","response":"Hé","done":false}"#), Ok(Event::Piece("Hé".to_owned())));
        let last = r#"{"response":"","done":true,"done_reason":"stop","context":[1,2],"eval_count":5}"#;
        assert_eq!(event(last), Ok(Event::Done(String::new())));
        assert_eq!(event(r#"{"response":"","done":true}"#), Ok(Event::Done(String::new())));
        assert_eq!(event(r#"{"done":true,"done_reason":"length"}"#), Err(GenerationError::TooLong));
        assert_eq!(event(r#"{"done":true,"done_reason":"unload"}"#), Err(GenerationError::Cut));
        assert_eq!(event(r#"{"error":"out of memory"}"#), Ok(Event::Error("out of memory".to_owned())));
        assert!(matches!(event(r#"{"response":"ha"#), Err(GenerationError::Malformed { .. })));
        assert!(matches!(event("[]"), Err(GenerationError::Malformed { .. })));
    }

    #[test]
    fn a_request_is_what_the_server_documents() {
        let turn = |author, text: &str| Turn { author, text: text.to_owned() };
        let history = vec![
            turn(Author::User, "Hello"),
            turn(Author::Assistant, "Good day."),
            turn(Author::User, "How do I sleep better?"),
        ];
        let rendered = templates::render(&Prompt::Answer { history });
        let body = body("llama3.2", &rendered, Options { seed: Some(7), ..Options::default() });
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let prompt = "User: Hello\n\nAssistant: Good day.\n\nUser: How do I sleep better?\n\nAssistant:";
        assert_eq!(
            body,
            json!({
                "model": "llama3.2", "system": rendered.system, "prompt": prompt, "stream": true,
                "options": {"seed": 7},
            })
        );
    }
}
