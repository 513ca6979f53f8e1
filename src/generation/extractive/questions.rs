//! Which open questions end a text: chosen by the words that occur in it, by fixed rules.

use std::collections::BTreeMap;

use super::language::Language;
use super::sentences::Sentence;
use super::words::{is_stop_word, stem, words};

/// A theme: the words that show it, with a space between each two, and its question; in English and in
/// German. A word that ends in `*` stands for all that begin like it.
struct Theme {
    english: (&'static str, &'static str),
    german: (&'static str, &'static str),
}

/// In order of precedence where two have as many words.
const THEMES: &[Theme] = &[
    Theme {
        english: (
            "choice choices choose decide* decision* dilemma either should whether",
            "What would have to be true for this decision to be easy?",
        ),
        german: (
            "dilemma entscheid* entschied* entweder ob soll sollte wahl zweifel*",
            "Was müsste zutreffen, damit diese Entscheidung leicht wäre?",
        ),
    },
    Theme {
        english: (
            "afraid anxi* dread* fear* nervous overwhelm* panic* scared stress* worr*",
            "Which part of this is in your hands, and which is not?",
        ),
        german: (
            "angst befürcht* fürchte* nervös* panik sorge* stress* unruh* überforder*",
            "Welcher Teil davon liegt in deiner Hand, und welcher nicht?",
        ),
    },
    Theme {
        english: (
            "anger angry annoy* argu* fought frustrat* furious unfair upset",
            "What did you need in that moment, and did anybody know it?",
        ),
        german: (
            "frust* geärgert genervt gestritten sauer streit* unfair wut wüten* ärger*",
            "Was hättest du in diesem Moment gebraucht, und wusste das jemand?",
        ),
    },
    Theme {
        english: (
            "alone empty exhaust* lonely sad sadness sleep* slept tired weary",
            "What has taken your strength lately, and what has given you some?",
        ),
        german: (
            "allein einsam* erschöpf* geschlafen leer müde müdigkeit schlaf* traurig*",
            "Was hat dir zuletzt Kraft genommen, und was hat dir welche gegeben?",
        ),
    },
    Theme {
        english: (
            "enjoy* glad grateful happ* joy* laugh* love* proud relieved thankful",
            "What made this possible, and how could there be more of it?",
        ),
        german: (
            "dankbar* erleichtert freu* froh gefreut gelacht glück* lach* stolz",
            "Was hat das möglich gemacht, und wie könnte es mehr davon geben?",
        ),
    },
    Theme {
        english: (
            "begin* goal* idea* next plan planned planning plans start* tomorrow",
            "What is the smallest step that would show you whether this is the right way?",
        ),
        german: (
            "anfang* beginn* idee* morgen nächste* plan plane pläne vorhabe* ziel*",
            "Was wäre der kleinste Schritt, an dem du sähest, ob das der richtige Weg ist?",
        ),
    },
];

/// One or two questions for these sentences.
pub(super) fn questions(sentences: &[Sentence], language: Language) -> Vec<String> {
    let themed = themed(sentences, language);
    match (themed, recurring(sentences)) {
        (Some(themed), Some(word)) => vec![themed.to_owned(), about(&word, language)],
        (Some(themed), None) => vec![themed.to_owned()],
        (None, Some(word)) => vec![about(&word, language)],
        (None, None) => vec![match language {
            Language::English => "What surprises you when you read this again?".to_owned(),
            Language::German => "Was überrascht dich, wenn du das noch einmal liest?".to_owned(),
        }],
    }
}

/// The question of the theme that most words belong to.
fn themed(sentences: &[Sentence], language: Language) -> Option<&'static str> {
    let words: Vec<String> = sentences.iter().flat_map(|sentence| words(&sentence.text)).collect();
    let mut best = (0, None);
    for theme in THEMES {
        let (shown_by, question) = match language {
            Language::English => theme.english,
            Language::German => theme.german,
        };
        let count = words.iter().filter(|word| shown_by.split(' ').any(|form| fits(word, form))).count();
        if count > best.0 {
            best = (count, Some(question));
        }
    }
    best.1
}

fn fits(word: &str, form: &str) -> bool {
    form.strip_suffix('*').map_or(word == form, |beginning| word.starts_with(beginning))
}

/// How long a word must be to be asked about: shorter ones are seldom what a text is about.
const SHORTEST: usize = 4;

/// The word that the most sentences share, as it was first written; none if no two share one. Of equals, the
/// first.
fn recurring(sentences: &[Sentence]) -> Option<String> {
    let mut shared: BTreeMap<String, usize> = BTreeMap::new();
    for sentence in sentences {
        for stem in &sentence.stems {
            *shared.entry(stem.clone()).or_default() += 1;
        }
    }
    let most = shared.values().copied().max().filter(|most| *most > 1)?;
    let is_it = |word: &&str| {
        let word = word.to_lowercase();
        word.chars().count() >= SHORTEST && !is_stop_word(&word) && shared.get(&stem(&word)) == Some(&most)
    };
    let all = sentences.iter().flat_map(|sentence| {
        unicode_segmentation::UnicodeSegmentation::unicode_words(sentence.text.as_str())
    });
    all.into_iter().find(is_it).map(str::to_owned)
}

fn about(word: &str, language: Language) -> String {
    match language {
        Language::English => format!("You come back to “{word}” more than once. What makes it matter now?"),
        Language::German => format!("„{word}“ kommt mehr als einmal vor. Was macht es gerade jetzt wichtig?"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sentences::sentences;
    use super::*;

    fn asked(text: &str) -> Vec<String> {
        questions(&sentences(text), Language::of(text))
    }

    #[test]
    fn the_words_of_a_text_choose_its_question() {
        assert_eq!(
            asked("I was worried about the bill. I am still nervous, but also glad that it is over."),
            ["Which part of this is in your hands, and which is not?"]
        );
        assert_eq!(
            asked("Ich bin so müde und habe wieder schlecht geschlafen."),
            ["Was hat dir zuletzt Kraft genommen, und was hat dir welche gegeben?"]
        );
        assert_eq!(asked("It rained."), ["What surprises you when you read this again?"]);
    }

    #[test]
    fn a_word_that_returns_is_asked_about_as_it_was_written() {
        let asked = asked("The Garden was quiet. I sat in the garden. Gardens calm me.");
        assert_eq!(asked, ["You come back to “Garden” more than once. What makes it matter now?"]);
    }

    #[test]
    fn every_theme_is_found_by_its_own_words_in_both_languages() {
        for theme in THEMES {
            for ((forms, question), language) in
                [(theme.english, Language::English), (theme.german, Language::German)]
            {
                for form in forms.split(' ') {
                    let text = form.trim_end_matches('*');
                    assert_eq!(questions(&sentences(text), language), [question], "{form}");
                }
            }
        }
    }
}
