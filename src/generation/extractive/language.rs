//! Which language a text is in, and the phrases around the user's sentences.

use super::words::{ENGLISH, GERMAN, is_in, words};

/// A language that the generator has phrases in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
}

impl Language {
    /// The language whose stop words the text has more of; English if that does not tell.
    pub(super) fn of(text: &str) -> Self {
        let (mut english, mut german) = (0_usize, 0_usize);
        for word in words(text) {
            english += usize::from(is_in(ENGLISH, &word));
            german += usize::from(is_in(GERMAN, &word));
        }
        if german > english { Self::German } else { Self::English }
    }

    pub(super) fn phrases(self) -> &'static Phrases {
        match self {
            Self::English => &Phrases {
                reflection: "Picked from your own words, without a language model.",
                answer: "Without a language model I can only give back what you have written.",
                stands_out: "What stands out:",
                earlier: "Earlier you wrote, close to this:",
                nothing_earlier: "Nothing that you wrote before comes close to this.",
                nothing: "There is no sentence here to pick from.",
                quotes: ['“', '”'],
            },
            Self::German => &Phrases {
                reflection: "Aus deinen eigenen Worten ausgewählt, ohne Sprachmodell.",
                answer: "Ohne Sprachmodell kann ich nur zurückgeben, was du geschrieben hast.",
                stands_out: "Was heraussticht:",
                earlier: "Früher hast du dazu geschrieben:",
                nothing_earlier: "Nichts, was du bisher geschrieben hast, kommt dem nahe.",
                nothing: "Hier ist kein Satz, aus dem sich wählen ließe.",
                quotes: ['„', '“'],
            },
        }
    }
}

/// The generator's own words.
pub(super) struct Phrases {
    /// How a reflection begins: where its words come from.
    pub(super) reflection: &'static str,
    /// How an answer begins.
    pub(super) answer: &'static str,
    /// Before sentences of the text itself.
    pub(super) stands_out: &'static str,
    /// Before sentences of earlier messages.
    pub(super) earlier: &'static str,
    /// Instead of them.
    pub(super) nothing_earlier: &'static str,
    /// For a text without sentences.
    pub(super) nothing: &'static str,
    /// Before and after a quoted sentence.
    pub(super) quotes: [char; 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_language_of_its_small_words() {
        assert_eq!(Language::of("I was in the garden with my sister."), Language::English);
        assert_eq!(Language::of("Ich war mit meiner Schwester im Garten."), Language::German);
        assert_eq!(Language::of("Müde."), Language::English, "nothing tells");
        assert_eq!(Language::of("Das Meeting mit dem Team war okay, but I was tired."), Language::German);
    }
}
