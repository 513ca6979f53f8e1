//! From the configuration to a generator that is ready to use.

use std::sync::Arc;

use prometheus::Registry;

use super::bounded::Deadlines;
use super::error::SetUpError;
use super::extractive::Extractive;
use super::generator::TextGenerator;
use super::guarded::Guarded;
use super::metrics::Metrics;
use super::models::{Client, Ollama, OpenAi};
use super::slots::GenerationSlots;
use crate::clock::Clock;
use crate::config::{Backend, GenerationConfig};

/// The configured generator, and the slots in which it may run. Connects to nothing yet.
///
/// # Errors
/// If the configuration was not checked, or the metrics are registered already.
pub fn open(
    config: &GenerationConfig,
    clock: &Clock,
    registry: &Registry,
) -> Result<(Arc<dyn TextGenerator>, GenerationSlots), SetUpError> {
    let slots = GenerationSlots::new(config.concurrency, config.queue);
    let metrics = Metrics::new(registry, &slots)?;
    let deadlines =
        Deadlines { first: config.first_timeout, idle: config.idle_timeout, total: config.total_timeout };
    let generator: Arc<dyn TextGenerator> = match &config.backend {
        Backend::Extractive => Arc::new(Guarded { generator: Extractive, deadlines, metrics }),
        Backend::Ollama(model) => {
            let client =
                Client::new(&Ollama::address(model.url.as_str()), model.key.as_ref(), clock.clone())?;
            let generator = Ollama::new(client, model.name.clone());
            Arc::new(Guarded { generator, deadlines, metrics })
        }
        Backend::OpenAi(model) => {
            let client =
                Client::new(&OpenAi::address(model.url.as_str()), model.key.as_ref(), clock.clone())?;
            let generator = OpenAi::new(client, model.name.clone());
            Arc::new(Guarded { generator, deadlines, metrics })
        }
    };
    Ok((generator, slots))
}
