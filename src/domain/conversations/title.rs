//! The title that a conversation gets from its first message.

use super::ConversationTitle;

/// Longest title of this kind in characters: what fits into a list.
const LONGEST: usize = 60;

/// The first sentence of the text, cut between words; `None` if it has nothing that could be a title.
pub(super) fn title_of(text: &str) -> Option<ConversationTitle> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let words = line.split_whitespace().map(plain).filter(|word| !word.is_empty());
    let mut title = String::new();
    for word in words {
        let length = title.chars().count();
        if length > 0 && length + 1 + word.chars().count() > LONGEST - 1 {
            title.push('…');
            break;
        }
        if length > 0 {
            title.push(' ');
        }
        title.extend(word.chars().take(LONGEST - 1));
        if word.chars().count() > LONGEST - 1 {
            title.push('…');
            break;
        }
        if ends_sentence(&word) {
            break;
        }
    }
    ConversationTitle::parse(title.trim_end_matches('.')).ok()
}

fn plain(word: &str) -> String {
    word.chars().filter(|letter| !letter.is_control()).collect()
}

/// A full stop after a letter or two is rather an abbreviation or a number.
fn ends_sentence(word: &str) -> bool {
    word.ends_with(['?', '!', '…']) || word.ends_with('.') && word.chars().count() > 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(text: &str) -> Option<String> {
        title_of(text).map(|title| title.as_str().to_owned())
    }

    #[test]
    fn a_title_is_the_first_sentence_cut_between_words() {
        let first = title("My bathroom leaks. What can I do?");
        assert_eq!(first.as_deref(), Some("My bathroom leaks"));
        assert_eq!(title("What can I do?\nIt leaks.").as_deref(), Some("What can I do?"));
        assert_eq!(title("Ask Dr. Weber at 5. Or not!").as_deref(), Some("Ask Dr. Weber at 5. Or not!"));
        let long = title(&"bathroom ".repeat(20)).unwrap();
        assert!(long.ends_with("bathroom…") && long.chars().count() <= LONGEST, "{long}");
        let endless = title(&"ä".repeat(200)).unwrap();
        assert_eq!((endless.chars().count(), endless.ends_with('…')), (LONGEST, true));
    }

    #[test]
    fn what_has_no_words_gives_no_title() {
        for text in ["...", "\u{0}", " \n "] {
            assert_eq!(title(text), None, "{text:?}");
        }
    }
}
