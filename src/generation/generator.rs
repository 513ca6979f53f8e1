//! The interface of every generator.

use std::fmt::Debug;

use futures_util::stream::BoxStream;

use super::error::GenerationError;
use super::prompt::Prompt;

/// Pieces of one text, in order. Dropping it cancels the generation, also at the service.
///
/// The text is whole only if the stream ends (`None`) without an error. An error is the last item; what came
/// before it is half a text, to be shown at most, and never kept.
pub type TextStream = BoxStream<'static, Result<String, GenerationError>>;

/// How a text is to be generated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Largest text in bytes; a longer one fails as [`GenerationError::TooLong`].
    pub max_bytes: usize,
    /// Randomness of a model's choices, from 0 (none) to 2; `None` leaves it to the service.
    pub temperature: Option<f32>,
    /// Makes a model's choices repeatable, as far as the service supports it.
    pub seed: Option<u32>,
}

impl Default for Options {
    /// Texts of up to 32 KiB, everything else as the service has it.
    fn default() -> Self {
        Self { max_bytes: 32 * 1024, temperature: None, seed: None }
    }
}

/// Generates texts.
///
/// The caller logs a failure, once, with its ids, [`GenerationError::code`] and [`GenerationError::detail`]:
/// generators know no ids and log nothing.
pub trait TextGenerator: Debug + Send + Sync {
    /// Its name in the configuration and in metrics.
    fn name(&self) -> &'static str;

    /// Begins a text. Nothing happens before the stream is polled, which needs a tokio runtime.
    fn generate(&self, prompt: Prompt, options: Options) -> TextStream;
}
