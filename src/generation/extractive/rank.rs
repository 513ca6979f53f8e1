//! Which sentences matter: TextRank (Mihalcea and Tarau, 2004). Sentences that share words vote for each
//! other, and a vote of an important sentence counts more.

use std::collections::BTreeSet;

use super::sentences::Sentence;

/// How much of a sentence's weight comes from votes, and how often votes are counted: the values of the
/// paper.
const DAMPING: f64 = 0.85;
const ROUNDS: usize = 30;

/// Sentences with fewer words that carry meaning say little alone.
const FEWEST_STEMS: usize = 3;

/// A weight for each sentence. Sentences that share words with `focus` (a title, a question) get votes from
/// outside.
pub(super) fn weights(sentences: &[Sentence], focus: &BTreeSet<String>) -> Vec<f64> {
    let votes: Vec<Vec<f64>> = sentences
        .iter()
        .enumerate()
        .map(|(at, from)| {
            let others = sentences.iter().enumerate();
            let votes =
                others.map(|(other, to)| if at == other { 0.0 } else { similarity(&from.stems, &to.stems) });
            let votes: Vec<f64> = votes.collect();
            let sum: f64 = votes.iter().sum();
            votes.into_iter().map(|vote| if sum > 0.0 { vote / sum } else { 0.0 }).collect()
        })
        .collect();
    let base: Vec<f64> = sentences
        .iter()
        .map(|sentence| (1.0 - DAMPING) * (1.0 + 4.0 * similarity(&sentence.stems, focus)))
        .collect();
    let mut weights = vec![1.0; sentences.len()];
    for _ in 0..ROUNDS {
        let mut next = base.clone();
        for (votes, weight) in votes.iter().zip(&weights) {
            for (sum, vote) in next.iter_mut().zip(votes) {
                *sum += DAMPING * weight * vote;
            }
        }
        weights = next;
    }
    let short = |sentence: &Sentence| if sentence.stems.len() < FEWEST_STEMS { 0.5 } else { 1.0 };
    weights.iter().zip(sentences).map(|(weight, sentence)| weight * short(sentence)).collect()
}

/// Words in common, by the logarithms of the lengths, so that long sentences are not alike by their length
/// alone.
pub(super) fn similarity(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let length = |stems: &BTreeSet<String>| f64::from(u32::try_from(stems.len()).unwrap_or(u32::MAX)).ln_1p();
    let common = u32::try_from(one.intersection(other).count()).unwrap_or(u32::MAX);
    if common == 0 { 0.0 } else { f64::from(common) / (length(one) + length(other)) }
}

/// The `most` heaviest sentences, in the order in which they were written. Of equals, the earlier ones.
pub(super) fn heaviest<'s>(sentences: &'s [Sentence], weights: &[f64], most: usize) -> Vec<&'s Sentence> {
    let mut order: Vec<(usize, f64)> = weights.iter().copied().enumerate().collect();
    order.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let chosen: BTreeSet<usize> = order.into_iter().map(|(at, _)| at).take(most).collect();
    let sentences = sentences.iter().enumerate();
    sentences.filter(|(at, _)| chosen.contains(at)).map(|(_, sentence)| sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sentences::sentences;
    use super::super::words::stems;
    use super::*;

    const ENTRY: &str = "\
        Breakfast was late. The talk with my sister about the house went on in my head all day. The \
        weather turned. I want to keep the house, and my sister wants to sell the house. Then I cooked \
        soup.";

    fn chosen(text: &str, focus: &str, most: usize) -> Vec<String> {
        let sentences = sentences(text);
        let weights = weights(&sentences, &stems(focus));
        heaviest(&sentences, &weights, most).into_iter().map(|sentence| sentence.text.clone()).collect()
    }

    #[test]
    fn sentences_that_share_words_outweigh_the_others_and_keep_their_order() {
        let chosen = chosen(ENTRY, "", 2);
        assert!(chosen[0].starts_with("The talk with my sister"), "{chosen:?}");
        assert!(chosen[1].starts_with("I want to keep the house"), "{chosen:?}");
    }

    #[test]
    fn a_focus_draws_sentences_to_itself() {
        assert_eq!(
            chosen(
                "We ate well at noon. It rained all afternoon. The bakery was closed today.",
                "Rain, rained",
                1
            ),
            ["It rained all afternoon."]
        );
    }

    #[test]
    fn of_equals_the_earlier_is_chosen() {
        let text = "Apples taste sweet today. Bread costs more lately. Cats sleep very long.";
        assert_eq!(chosen(text, "", 1), ["Apples taste sweet today."]);
        assert_eq!(chosen("", "", 1), Vec::<String>::new());
    }
}
