//! What the settings of the generator do, in a whole server.

use std::io::Write;

use souk::clock::Timestamp;
use souk::generation::{GenerationError, Place};
use souk::ids::UserId;

use super::{begin, generator, read};
use crate::support::model_server::{Dialect, ModelServer};
use crate::support::{Engine, TestApp, run};

/// A runtime for model servers beside the one of the server under test.
fn beside() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

async fn written(app: &TestApp) -> (String, Option<GenerationError>) {
    read(begin(&*app.server.generator)).await
}

#[test]
fn unless_told_otherwise_the_server_quotes_the_users_own_sentences() {
    run(Engine::Sqlite, &[], async |app| {
        let (text, error) = written(app).await;
        assert!(
            text.contains("“Today I slept badly again.”") && text.contains("without a language model"),
            "{text}"
        );
        assert_eq!((error, app.server.generator.name()), (None, "extractive"));
    });
}

#[test]
fn the_configured_model_writes_and_is_counted() {
    let models = beside();
    for dialect in Dialect::BOTH {
        let mut server = models.block_on(ModelServer::playing(dialect.answer("Good morning.")));
        let url = server.url();
        let flags = ["--generator", dialect.name(), "--generator-url", &url, "--generator-model", "mistral"];
        run(Engine::Sqlite, &flags, async |app| {
            assert_eq!(written(app).await, ("Good morning.".to_owned(), None));
            let name = dialect.name();
            let metrics = app.anyone().get("/metrics").await.text;
            let started =
                format!("souk_generations_started_total{{generator=\"{name}\",task=\"reflection\"}} 1");
            let finished = format!(
                "souk_generations_finished_total{{generator=\"{name}\",outcome=\"complete\",task=\"reflection\"}} 1"
            );
            let waited = format!("souk_generation_first_piece_seconds_count{{generator=\"{name}\"}} 1");
            for line in [started, finished, waited, "souk_generations_running 0".to_owned()] {
                assert!(metrics.contains(&line), "{line} in {metrics}");
            }
        });
        assert_eq!(models.block_on(server.asked()).body["model"], "mistral");
    }
}

#[test]
fn an_ollama_may_be_named_by_its_own_setting() {
    let models = beside();
    let server = models.block_on(ModelServer::playing(Dialect::Ollama.answer("Good morning.")));
    let url = server.url();
    let flags = ["--generator=ollama", "--ollama-url", &url, "--generator-model=mistral"];
    run(Engine::Sqlite, &flags, async |app| {
        assert_eq!(written(app).await, ("Good morning.".to_owned(), None));
    });
}

#[tokio::test]
async fn the_key_is_sent_to_the_model_and_shown_to_nobody() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "sk-hunter2").unwrap();
    let from_file = ["--generator-key-file", file.path().to_str().unwrap()];
    for flags in [["--generator-key", "sk-hunter2"], from_file] {
        for dialect in Dialect::BOTH {
            let mut server = ModelServer::playing(dialect.answer("Good morning.")).await;
            let generator = generator(dialect, &server, &flags);
            assert_eq!(read(begin(&*generator)).await, ("Good morning.".to_owned(), None));
            let head = server.asked().await.head;
            assert!(head.contains("authorization: Bearer sk-hunter2"), "{head}");
            let shown = format!("{generator:?}");
            assert!(shown.contains("authorization: Some(Sensitive)"), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}

#[test]
fn so_many_texts_are_written_at_once_and_so_many_wait() {
    let user = || UserId::new(Timestamp::EPOCH);
    run(Engine::Sqlite, &["--generator-concurrency=2", "--generator-queue=1"], async |app| {
        let slots = &app.server.generation_slots;
        let running: Vec<_> = (0..2).map(|_| slots.acquire(user(), 1).unwrap()).collect();
        assert!(running.iter().all(|caller| caller.place() == Place::Called));
        let mut next = slots.acquire(user(), 1).unwrap();
        assert_eq!(next.place(), Place::InLine(1));
        assert_eq!(slots.acquire(user(), 1).err(), Some(GenerationError::Busy { retry_after: None }));
        let metrics = app.anyone().get("/metrics").await.text;
        assert!(
            metrics.contains("souk_generations_running 2") && metrics.contains("souk_generations_waiting 1")
        );
        drop(running);
        assert_eq!(next.moved().await, Place::Called);
    });
}
