//! Text generators behind one interface: a prompt and options in, a stream of text pieces out. Three
//! implement it: `extractive` quotes the user's own sentences and needs no network; `models` asks a language
//! model over HTTP.
//!
//! Around each stand `bounded` (deadlines and size), metrics and, for the callers, [`GenerationSlots`]: how
//! many run at once, and who is next. What is done with the text is decided elsewhere.

mod bounded;
mod error;
mod extractive;
mod generator;
mod metrics;
mod models;
mod open;
mod prompt;
mod slots;
mod guarded;

pub(crate) use error::SetUpError;
pub use error::{GenerationError, Wait};
#[cfg(test)]
pub(crate) use extractive::CATEGORIES;
pub use generator::{Options, TextGenerator, TextStream};
pub use open::open;
pub use prompt::{Author, Prompt, Turn};
pub use slots::{GenerationSlots, Permit, Place, Waiting};
