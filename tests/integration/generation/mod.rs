//! The text generators against small servers that speak the services' interfaces, with all their faults, and
//! the generator that a whole server is configured with.

mod faults;
mod settings;
mod streams;

use std::sync::Arc;

use futures_util::StreamExt;
use prometheus::Registry;
use souk::clock::Clock;
use souk::config::Settings;
use souk::generation::{GenerationError, Options, Prompt, TextGenerator, TextStream};

use crate::support::model_server::{Dialect, ModelServer};

/// A generator that asks `server`, configured by `flags` as an operator would.
fn generator(dialect: Dialect, server: &ModelServer, flags: &[&str]) -> Arc<dyn TextGenerator> {
    at(dialect, &server.url(), flags)
}

/// A generator that asks at `url`.
fn at(dialect: Dialect, url: &str, flags: &[&str]) -> Arc<dyn TextGenerator> {
    let own = ["--generator", dialect.name(), "--generator-url", url, "--generator-model", "llama3.2"];
    let settings = Settings::given(own.iter().chain(flags).copied()).unwrap();
    let config = settings.check().unwrap().generation;
    let clock = Clock::manual("2026-05-01T09:30:00Z".parse().unwrap());
    souk::generation::open(&config, &clock, &Registry::new()).unwrap().0
}

fn entry() -> Prompt {
    Prompt::Reflection { title: Some("Monday".to_owned()), text: "Today I slept badly again.".to_owned() }
}

fn begin(generator: &dyn TextGenerator) -> TextStream {
    generator.generate(entry(), Options::default())
}

/// What came of a text, and the error that ended it, if one did.
async fn read(mut stream: TextStream) -> (String, Option<GenerationError>) {
    let mut text = String::new();
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) => text += &piece,
            Err(error) => {
                assert!(stream.next().await.is_none(), "nothing follows an error");
                return (text, Some(error));
            }
        }
    }
    (text, None)
}
