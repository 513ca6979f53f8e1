//! Text generators behind one interface: a prompt and options in, a stream of text pieces out.
//! `extractive` quotes the user's own sentences and needs no network.
//!
//! Around each stand [`bounded`] (deadlines and size) and, for the callers, [`GenerationSlots`]: how many
//! run at once, and who is next. What is done with the text is decided elsewhere.

mod bounded;
mod error;
mod extractive;
mod generator;
mod prompt;
mod slots;

pub use bounded::{Deadlines, bounded};
pub use error::{GenerationError, Wait};
pub use extractive::Extractive;
pub use generator::{Options, TextGenerator, TextStream};
pub use prompt::{Author, Prompt, Turn};
pub use slots::{GenerationSlots, Permit, Place, WAITING_PER_USER, Waiting};
