//! Search in one's own journal. Texts are stored sealed, so that no index of the database can know them: a
//! search opens entry after entry, a bounded number of them per call.

use unicode_normalization::UnicodeNormalization;

use crate::db::UnitOfWork;
use crate::domain::policy::{Scope, authorize_own_list};
use crate::domain::text::SingleLine;
use crate::domain::{Error, Page, Slice};
use crate::ids::EntryId;

use super::{Content, Entry, Journal, SealedEntry, repository};

/// What to search for.
pub(crate) type SearchText = SingleLine<100>;

/// How many entries a call looks through.
const MOST_ENTRIES: usize = 500;

/// How many bytes of stored text a call looks through; the entry that exceeds it is the last one.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// How many entries are read at a time.
const BATCH: i64 = 50;

/// The caller's entries whose title or text contains `wanted`, whatever its case, newest first. Looks through
/// a bounded part of the journal: the page may be short, or even empty, and still have a next one.
pub(crate) fn search(
    uow: &mut UnitOfWork<'_>,
    journal: &Journal,
    scope: &Scope,
    wanted: &SearchText,
    page: Page<EntryId>,
) -> Result<Slice<Entry, EntryId>, Error> {
    authorize_own_list::<SealedEntry>(uow, scope)?;
    let wanted = folded(wanted.as_str());
    let key = journal.data_key(uow, scope.user())?;
    let mut slice = Slice { items: Vec::new(), next: page.before };
    let (mut entries, mut bytes) = (0, 0);
    loop {
        let batch = repository::of_caller(uow, scope, slice.next, BATCH + 1)?;
        let batch_len = usize::try_from(BATCH).unwrap_or(usize::MAX);
        let is_last_batch = batch.len() <= batch_len;
        let in_batch = batch.len().min(batch_len);
        for (index, stored) in batch.into_iter().take(in_batch).enumerate() {
            slice.next = Some(stored.id);
            entries += 1;
            bytes += stored.content.text.len();
            let entry = stored.open(key.as_ref())?;
            if entry.content.contains(&wanted) {
                slice.items.push(entry);
            }
            let is_full = slice.items.len() >= usize::from(page.limit);
            let is_last = is_last_batch && index + 1 == in_batch;
            if !is_last && (is_full || entries >= MOST_ENTRIES || bytes >= MOST_BYTES) {
                return Ok(slice);
            }
        }
        if is_last_batch {
            return Ok(Slice { next: None, ..slice });
        }
    }
}

impl Content {
    /// Whether title or text contains what [`folded`] returned.
    fn contains(&self, folded_text: &str) -> bool {
        let title = self.title.as_ref().map(|title| title.as_str());
        [title, Some(self.text.as_str())].into_iter().flatten().any(|text| folded(text).contains(folded_text))
    }
}

/// Lower case of every script, in normalization form C. A final sigma counts as any other.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entries::{EntryText, EntryTitle};

    #[test]
    fn case_and_composition_do_not_matter() {
        for (text, wanted) in [
            ("Straße nach ÖSTERREICH", "österreich"),
            ("cafe\u{301}", "CAFÉ"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
            ("ПРИВЕТ, мир", "привет"),
        ] {
            assert!(folded(text).contains(&folded(wanted)), "{wanted} in {text}");
        }
        assert!(!folded("cafe").contains(&folded("café")));
    }

    #[test]
    fn title_and_text_are_searched_apart() {
        let content = Content {
            title: EntryTitle::parse("Monday").ok(),
            text: EntryText::parse("Slept badly.\nAgain.").unwrap(),
        };
        for wanted in ["monday", "badly.\nagain"] {
            assert!(content.contains(wanted), "{wanted}");
        }
        assert!(!content.contains("mondayslept"));
    }
}
