//! From a text to its sentences: the boundaries of Unicode (UAX #29), corrected for abbreviations and
//! for lines that were wrapped by hand.

use std::collections::BTreeSet;

use unicode_segmentation::UnicodeSegmentation;

use super::words::stems;

/// Sentences that are looked at: ranking compares each with each.
const MOST: usize = 300;

/// Words whose full stop ends no sentence, in lower case.
const ABBREVIATIONS: &[&str] = &[
    "abs.", "approx.", "bspw.", "bzw.", "ca.", "cf.", "dr.", "e.g.", "etc.", "evtl.", "fr.", "ggf.", "hr.",
    "i.e.", "inkl.", "jr.", "mr.", "mrs.", "ms.", "mt.", "nr.", "prof.", "sr.", "st.", "str.", "u.a.",
    "usw.", "vgl.", "vs.", "z.b.",
];

/// A sentence as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    /// Its text, without line breaks and without the mark of a list.
    pub(super) text: String,
    /// Its words that carry meaning, as stems.
    pub(super) stems: BTreeSet<String>,
}

/// The sentences of a text, in order.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut all = Vec::new();
    let mut begun = String::new();
    let mut rest = text.split_sentence_bounds().peekable();
    while let Some(part) = rest.next() {
        begun += part;
        if rest.peek().is_some_and(|next| continues(&begun, next)) {
            continue;
        }
        all.extend(Sentence::new(&std::mem::take(&mut begun)));
        if all.len() == MOST {
            break;
        }
    }
    all
}

/// Whether `next` belongs to the sentence that was begun, although Unicode sees a boundary.
fn continues(begun: &str, next: &str) -> bool {
    let last_word = begun.split_whitespace().next_back().unwrap_or_default();
    let ends_line = begun.ends_with(['\n', '\r']);
    if ends_line {
        // A line that was wrapped: it does not end like a sentence, and the next goes on in lower case.
        let is_open = !last_word.ends_with(['.', '!', '?', '…', ':']) && !last_word.is_empty();
        return is_open && !begun.ends_with("\n\n") && next.starts_with(char::is_lowercase);
    }
    // An initial, or one of the two letters in "z. B.".
    let is_initial = last_word.strip_suffix('.').is_some_and(|letter| {
        letter.chars().count() == 1 && letter.chars().all(char::is_alphabetic) && letter != "I"
    });
    is_initial || ABBREVIATIONS.contains(&last_word.to_lowercase().trim_start_matches('('))
}

impl Sentence {
    /// `None` if there is no word in it.
    fn new(text: &str) -> Option<Self> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = text.trim_start_matches(['-', '*', '•', '–', '#', '>', ' ']);
        text.contains(char::is_alphanumeric).then(|| Self { text: text.to_owned(), stems: stems(text) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        sentences(text).into_iter().map(|sentence| sentence.text).collect()
    }

    #[test]
    fn sentences_end_where_people_end_them() {
        assert_eq!(
            split("Slept badly. Why? Dr. Weber says it is stress!  I paid 3.50 for tea?! Fine."),
            ["Slept badly.", "Why?", "Dr. Weber says it is stress!", "I paid 3.50 for tea?!", "Fine."]
        );
        assert_eq!(
            split("Ich mag z. B. Äpfel, Birnen usw. Über Nacht fiel Schnee. „Komm!“, rief sie."),
            ["Ich mag z. B. Äpfel, Birnen usw. Über Nacht fiel Schnee.", "„Komm!“, rief sie."]
        );
    }

    #[test]
    fn lines_are_sentences_unless_they_were_wrapped() {
        assert_eq!(
            split("# Monday\n- call Ruth\n- buy milk\n\nThe garden was\nquiet today.\n\n---\n"),
            ["Monday", "call Ruth", "buy milk", "The garden was quiet today."]
        );
    }

    #[test]
    fn only_so_many_sentences_are_looked_at_and_nothing_is_no_sentence() {
        assert_eq!(sentences(&"Again. ".repeat(1_000)).len(), MOST);
        assert_eq!(sentences(" \n…\n!!! 🙂"), []);
    }
}
