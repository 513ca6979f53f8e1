//! Puts a text together: where it comes from, the chosen sentences as quotes, and the questions.

use super::language::{Language, Phrases};
use super::questions::questions;
use super::rank::{heaviest, similarity, weights};
use super::sentences::{Sentence, sentences};
use super::words::stems;
use crate::generation::prompt::{Author, Turn};

/// A quote is shortened to so many characters.
const LONGEST_QUOTE: usize = 280;

/// Earlier sentences that an answer quotes.
const EARLIER: usize = 2;

/// A reflection on a journal entry.
pub(super) fn reflection(title: Option<&str>, text: &str) -> String {
    let language = Language::of(text);
    let phrases = language.phrases();
    let all = sentences(text);
    let chosen = heaviest(&all, &weights(&all, &stems(title.unwrap_or_default())), how_many(all.len()));
    let mut parts = vec![phrases.reflection.to_owned()];
    match chosen.is_empty() {
        true => parts.push(phrases.nothing.to_owned()),
        false => parts.push(quoted(phrases.stands_out, &chosen, phrases)),
    }
    parts.extend(questions(&all, language));
    parts.join("\n\n")
}

/// The next turn of a conversation.
pub(super) fn answer(history: &[Turn]) -> String {
    let own: Vec<&str> =
        history.iter().filter(|turn| turn.author == Author::User).map(|turn| turn.text.as_str()).collect();
    let (last, before) = own.split_last().map_or(("", &[][..]), |(last, before)| (*last, before));
    let language = Language::of(last);
    let phrases = language.phrases();
    let (asked, all) = (stems(last), sentences(last));
    // The newest stands first: of equals, the first is taken.
    let mut earlier: Vec<Sentence> = before.iter().flat_map(|text| sentences(text)).collect();
    earlier.reverse();
    let close: Vec<f64> = earlier.iter().map(|sentence| similarity(&sentence.stems, &asked)).collect();
    let related = close.iter().filter(|closeness| **closeness > 0.0).count();
    let mut chosen = heaviest(&earlier, &close, related.min(EARLIER));
    chosen.reverse();

    let mut parts = vec![phrases.answer.to_owned()];
    match chosen.is_empty() {
        true => parts.push(phrases.nothing_earlier.to_owned()),
        false => parts.push(quoted(phrases.earlier, &chosen, phrases)),
    }
    // A message of one or two sentences stands right above; nobody needs it quoted.
    if all.len() > 2 {
        let heavy = heaviest(&all, &weights(&all, &asked), 1);
        parts.push(quoted(phrases.stands_out, &heavy, phrases));
    }
    parts.extend(questions(&all, language).into_iter().take(1));
    parts.join("\n\n")
}

/// How many sentences stand for a text of so many.
fn how_many(sentences: usize) -> usize {
    match sentences {
        0..=2 => sentences.min(1),
        3..=6 => 2,
        _ => 3,
    }
}

fn quoted(heading: &str, sentences: &[&Sentence], phrases: &Phrases) -> String {
    let [open, close] = phrases.quotes;
    let quotes = sentences.iter().map(|sentence| format!("\n{open}{}{close}", shortened(&sentence.text)));
    std::iter::once(heading.to_owned()).chain(quotes).collect()
}

fn shortened(text: &str) -> String {
    shortened_to(text, LONGEST_QUOTE)
}

/// The text, or its beginning up to the last word that fits into so many characters, and an ellipsis.
pub(super) fn shortened_to(text: &str, longest: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(longest) else { return text.to_owned() };
    let beginning = text.get(..end).unwrap_or_default();
    let whole_words = beginning.rsplit_once(' ').map_or(beginning, |(words, _)| words);
    format!("{whole_words}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "\
        Woke up at five again and could not sleep any more. Coffee, rain, the usual. The talk with my \
        sister about our parents' house went on in my head all day. She wants to sell the house before \
        winter. I do not know whether I should fight for it or let it go. In the evening I walked to the \
        river and felt a little lighter. Tomorrow I have to call my sister.";

    #[test]
    fn a_reflection_is_honest_quotes_the_entry_and_ends_in_questions() {
        assert_eq!(
            reflection(Some("The house"), ENTRY),
            "Picked from your own words, without a language model.\n\n\
             What stands out:\n\
             “The talk with my sister about our parents' house went on in my head all day.”\n\
             “She wants to sell the house before winter.”\n\
             “Tomorrow I have to call my sister.”\n\n\
             What would have to be true for this decision to be easy?\n\n\
             You come back to “sister” more than once. What makes it matter now?"
        );
    }

    #[test]
    fn a_german_entry_is_reflected_in_german() {
        let entry = "\
            Heute war ich mit Dr. Weber im Garten. Der Garten ist mir zu viel geworden, und ich habe \
            Angst, dass er verwildert. Abends kam Ruth vorbei. Sie meint, den Garten könnte man teilen.";
        let said = reflection(None, entry);
        assert!(
            said.starts_with(
                "Aus deinen eigenen Worten ausgewählt, ohne Sprachmodell.\n\nWas heraussticht:\n„"
            )
        );
        assert!(
            said.contains("„Der Garten ist mir zu viel geworden, und ich habe Angst, dass er verwildert.“"),
            "{said}"
        );
        assert!(
            said.contains("liegt in deiner Hand")
                && said.ends_with("„Garten“ kommt mehr als einmal vor. Was macht es gerade jetzt wichtig?"),
            "{said}"
        );
    }

    #[test]
    fn every_quote_is_a_sentence_of_the_user() {
        let said = reflection(None, ENTRY);
        let quotes: Vec<_> =
            said.lines().filter_map(|line| line.strip_prefix('“')?.strip_suffix('”')).collect();
        assert_eq!(quotes.len(), 3);
        assert!(quotes.iter().all(|quote| ENTRY.contains(quote)), "{quotes:?}");
        assert_eq!(said, reflection(None, ENTRY), "deterministic");
    }

    #[test]
    fn a_text_without_sentences_is_told_so_and_a_very_long_one_is_shortened() {
        assert!(reflection(None, "…").contains("no sentence here"));
        let long = format!("I {}", "walked and walked ".repeat(2_000));
        let said = reflection(None, &long);
        assert!(said.len() < 1_000 && said.contains("walked…”"), "{said}");
    }

    #[test]
    fn an_answer_gives_back_what_was_written_about_it_before() {
        let turn = |author, text: &str| Turn { author, text: text.to_owned() };
        let history = [
            turn(
                Author::User,
                "My bathroom leaks. The plumber quoted 900 euros for the pipes. I like the tiles.",
            ),
            turn(Author::Assistant, "The plumber is expensive."),
            turn(Author::User, "Should I take the plumber or look for another?"),
        ];
        assert_eq!(
            answer(&history),
            "Without a language model I can only give back what you have written.\n\n\
             Earlier you wrote, close to this:\n“The plumber quoted 900 euros for the pipes.”\n\n\
             What would have to be true for this decision to be easy?"
        );
        let first = answer(&history[..1]);
        assert!(
            first.contains("Nothing that you wrote before") && first.contains("What stands out:\n“"),
            "{first}"
        );
        assert!(!answer(&[]).is_empty());
    }

    #[test]
    fn earlier_sentences_are_quoted_in_the_order_in_which_they_were_written() {
        let turn = |text: &str| Turn { author: Author::User, text: text.to_owned() };
        let history = [
            turn("The plumber came on Monday."),
            turn("Monday was fine. The plumber left the door open."),
            turn("What about the plumber?"),
        ];
        let said = answer(&history);
        let (first, second) = (said.find("came on Monday"), said.find("left the door open"));
        assert!(first.is_some() && first < second, "{said}");
    }
}
