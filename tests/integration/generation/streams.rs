//! Texts that arrive, and texts that nobody waits for any more.

use futures_util::StreamExt;
use serde_json::json;
use souk::generation::{Author, Options, Prompt, Turn};

use super::{begin, generator, read};
use crate::support::model_server::{Dialect, ModelServer, Step, end};

#[tokio::test]
async fn a_text_arrives_whole_however_it_was_cut_into_chunks() {
    for dialect in Dialect::BOTH {
        let body =
            [dialect.piece("Grüße, "), dialect.piece("日本 "), dialect.piece("🌱"), dialect.done()].concat();
        for size in [1, 3, 7, body.len()] {
            let chunks = body.chunks(size).map(|chunk| Step::Chunk(chunk.to_vec()));
            let script = [dialect.head()].into_iter().chain(chunks).chain([end()]);
            let server = ModelServer::playing(script).await;
            let (text, error) = read(begin(&*generator(dialect, &server, &[]))).await;
            assert_eq!((text.as_str(), error), ("Grüße, 日本 🌱", None), "{dialect:?} {size}");
        }
    }
}

#[tokio::test]
async fn pieces_are_given_on_while_the_service_still_writes() {
    for dialect in Dialect::BOTH {
        let mut server =
            ModelServer::playing([dialect.head(), Step::Chunk(dialect.piece("Good ")), Step::Stall]).await;
        let mut stream = begin(&*generator(dialect, &server, &[]));
        assert_eq!(stream.next().await, Some(Ok("Good ".to_owned())), "{dialect:?}");
        drop(stream);
        server.left().await;
    }
}

#[tokio::test]
async fn dropping_a_text_closes_the_connection_also_before_it_began() {
    for dialect in Dialect::BOTH {
        let mut server = ModelServer::playing([Step::Stall]).await;
        let generator = generator(dialect, &server, &[]);
        let mut stream = begin(&*generator);
        assert!(!server.was_asked(), "nothing happens before the stream is polled");
        tokio::select! {
            piece = stream.next() => panic!("{dialect:?}: {piece:?}"),
            asked = server.asked() => assert!(asked.head.starts_with("POST "), "{}", asked.head),
        }
        drop(stream);
        server.left().await;
    }
}

#[tokio::test]
async fn the_services_are_asked_as_they_document_it() {
    let turn = |author, text: &str| Turn { author, text: text.to_owned() };
    let history = vec![
        turn(Author::User, "Hello"),
        turn(Author::Assistant, "Good day."),
        turn(Author::User, "And now?"),
    ];
    let options = Options { temperature: Some(0.5), seed: Some(7), ..Options::default() };
    for (dialect, path) in [(Dialect::Ollama, "/api/generate"), (Dialect::OpenAi, "/v1/chat/completions")] {
        let mut server = ModelServer::playing(dialect.answer("Good.")).await;
        let prompt = Prompt::Answer { history: history.clone() };
        let (text, error) = read(generator(dialect, &server, &[]).generate(prompt, options)).await;
        assert_eq!((text.as_str(), error), ("Good.", None));
        let asked = server.asked().await;
        assert!(asked.head.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{}", asked.head);
        assert!(asked.head.contains("content-type: application/json"), "{}", asked.head);
        assert!(!asked.head.contains("authorization"), "no key was given: {}", asked.head);
        assert_eq!((&asked.body["model"], &asked.body["stream"]), (&json!("llama3.2"), &json!(true)));
        match dialect {
            Dialect::Ollama => {
                assert_eq!(asked.body["options"], json!({"temperature": 0.5, "seed": 7}));
                assert!(asked.body["prompt"].as_str().unwrap().ends_with("User: And now?\n\nAssistant:"));
            }
            Dialect::OpenAi => {
                assert_eq!((&asked.body["temperature"], &asked.body["seed"]), (&json!(0.5), &json!(7)));
                let last = json!({"role": "user", "content": "And now?"});
                assert_eq!(asked.body["messages"].as_array().unwrap().last(), Some(&last));
            }
        }
    }
}

#[tokio::test]
async fn a_plan_is_asked_for_as_json_by_schema() {
    for dialect in Dialect::BOTH {
        let mut server = ModelServer::playing(dialect.answer(r#"{"summary":"x","tasks":[]}"#)).await;
        let plan = Prompt::Plan {
            category: "plumbing".to_owned(),
            title: "New bathroom".to_owned(),
            text: "Two sinks.".to_owned(),
            faults: vec!["there are no tasks".to_owned()],
        };
        let (text, error) = read(generator(dialect, &server, &[]).generate(plan, Options::default())).await;
        assert_eq!((text.as_str(), error), (r#"{"summary":"x","tasks":[]}"#, None));
        let body = server.asked().await.body;
        let (schema, said) = match dialect {
            Dialect::Ollama => (&body["format"], &body["prompt"]),
            Dialect::OpenAi => {
                (&body["response_format"]["json_schema"]["schema"], &body["messages"][1]["content"])
            }
        };
        assert_eq!(schema["required"], json!(["phases", "summary"]), "{body}");
        assert!(said.as_str().unwrap().contains("- there are no tasks"), "{body}");
    }
}
