//! The words of a text, and which of them carry meaning.

use std::collections::BTreeSet;

use unicode_segmentation::UnicodeSegmentation;

/// All words of a text in lower case.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.unicode_words().map(str::to_lowercase)
}

/// The words that carry meaning, each as its stem.
pub(super) fn stems(text: &str) -> BTreeSet<String> {
    let meaningful = |word: &String| word.chars().count() > 2 && !is_stop_word(word);
    words(text).filter(meaningful).map(|word| stem(&word)).collect()
}

/// The first six characters: truncation, the simplest stemmer, treats German and English alike.
pub(super) fn stem(word: &str) -> String {
    word.chars().take(6).collect()
}

/// Whether a word, in lower case, has no meaning of its own in any of these languages.
pub(super) fn is_stop_word(word: &str) -> bool {
    [ENGLISH, GERMAN, FRENCH, SPANISH].iter().any(|list| is_in(list, word))
}

/// Whether a list of words, with a space between each two, has this one.
pub(super) fn is_in(list: &str, word: &str) -> bool {
    list.split(' ').any(|other| other == word)
}

/// English words without meaning of their own; they also show the language.
pub(super) const ENGLISH: &str = "\
    a about after again all also always am an and any are as at back be because been before being but by \
    can could day did do does done down even for from get go got had has have he her here him his how i \
    i'm i've if in into is it it's its just like made make many me more most much my myself never no not \
    now of off on one only or other our out over own really said she should so some such than that the \
    their them then there these they thing things this those though through to today too up us very want \
    wants was we went were what when where which while who why will with would yesterday you your";

/// The same in German.
pub(super) const GERMAN: &str = "\
    aber alle allem allen alles als also am an auch auf aus bei beim bin bis bist da dabei dann das dass \
    daß dein deine dem den denn der des dich die dies diese diesem diesen dieser dieses dir doch du durch \
    ein eine einem einen einer eines einfach er es etwas euch für gar gegen gestern ging habe haben hast \
    hat hatte hatten heute hier ich ihm ihn ihnen ihr ihre im immer in ins ist ja jede jeden jeder kann \
    kein keine keinen kommt können man mehr mein meine meinem meinen meiner mich mir mit muss nach nicht \
    nichts noch nun nur ob oder ohne schon sehr sein seine seit selbst sich sie sind so soll sondern tag \
    über um und uns unser unter viel vom von vor war waren was weil wenn werde werden wie wieder will wir \
    wird wo wurde würde zu zum zur zwei";

const FRENCH: &str = "\
    alors après au aujourd'hui aussi aux avec avoir ce cela ces cette comme dans de des du elle elles en \
    est et été être fait il ils j'ai je la le les leur lui ma mais me mes moi mon même ne nous on ont ou \
    par pas plus pour que qui sa sans se ses si son sont suis sur tous tout très un une vous à était";

const SPANISH: &str = "\
    al algo con como cuando de del desde día donde el ella en era es esta este esto está estoy fue había \
    hay hoy la las le lo los me mi mis muy más nada ni no nos para pero por porque que qué se ser si sin \
    sobre son su sus sí también tan te tengo todo todos un una ya yo";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_meaning_are_no_stems() {
        let stems: Vec<_> =
            stems("The gardens and I: I was gardening with die Gärtnerin.").into_iter().collect();
        assert_eq!(stems, ["garden", "gärtne"]);
    }
}
