//! The embedded generator: it picks from the user's own sentences (TextRank), quotes them and asks an open
//! question. It says so in its first line, never pretends to be a model, and gives the same text for the same
//! prompt.
//!
//! It knows English and German; texts in other languages get the English phrases around their own sentences.

mod compose;
mod language;
mod plan;
mod questions;
mod rank;
mod sentences;
mod words;

use futures_util::{StreamExt, stream};

use super::error::GenerationError;
use super::generator::{Options, TextGenerator, TextStream};
use super::prompt::Prompt;

#[cfg(test)]
pub(crate) use plan::CATEGORIES;

/// The embedded generator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extractive;

impl TextGenerator for Extractive {
    fn name(&self) -> &'static str {
        "extractive"
    }

    fn generate(&self, prompt: Prompt, _: Options) -> TextStream {
        let text = async move {
            match prompt {
                Prompt::Reflection { title, text } => Ok(compose::reflection(title.as_deref(), &text)),
                Prompt::Answer { history } => Ok(compose::answer(&history)),
                Prompt::Plan { category, title, text, .. } => plan::plan(&category, &title, &text),
            }
        };
        let pieces = |text: Result<String, GenerationError>| match text {
            Ok(text) => stream::iter(pieces(&text)).map(Ok).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        };
        stream::once(text).flat_map(pieces).boxed()
    }
}

/// Smallest piece in bytes, but for the last: a few words, as a model would send them.
const PIECE: usize = 24;

/// The text in pieces that end between words.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        piece += word;
        if piece.len() >= PIECE {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn a_text_comes_in_pieces_between_words() {
        let text = "I slept badly again. The meeting with Ruth went better than I had feared.";
        let prompt = || Prompt::Reflection { title: None, text: text.to_owned() };
        let all: Vec<String> = Extractive.generate(prompt(), Options::default()).try_collect().await.unwrap();
        assert!(all.len() > 3, "{all:?}");
        let (last, others) = all.split_last().unwrap();
        assert!(!last.is_empty());
        for piece in others {
            assert!(piece.ends_with(char::is_whitespace) && piece.len() >= PIECE, "{piece:?}");
        }
        assert_eq!(all.concat(), compose::reflection(None, text));
    }
}
