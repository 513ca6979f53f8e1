//! Keyset pagination: lists, newest first by default, continued after the last id of the previous page.

use std::cmp::Reverse;

/// Which part of a list to return.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<I> {
    /// Only rows older than this one; `None` for the first page.
    pub(crate) before: Option<I>,
    /// Maximum number of items.
    pub(crate) limit: u16,
}

impl<I> Page<I> {
    /// The `LIMIT` to query with: one more than the page, to detect whether another page follows.
    pub(crate) fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The newest rows of two lists that were fetched newest first, each by its own index. One query for both, with
    /// `OR`, would read all rows of somebody who has many.
    pub(crate) fn newest_of<T>(&self, one: Vec<T>, other: Vec<T>, id: impl Fn(&T) -> I) -> Vec<T>
    where
        I: Ord,
    {
        let mut rows = one;
        rows.extend(other);
        rows.sort_by_key(|row| Reverse(id(row)));
        rows.dedup_by(|a, b| id(a) == id(b));
        rows.truncate(usize::from(self.limit) + 1);
        rows
    }

    /// Builds the page from the fetched rows, with the cursor of the next one.
    pub(crate) fn slice<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> I) -> Slice<T, I> {
        let limit = usize::from(self.limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(id) } else { None };
        Slice { items: rows, next }
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub(crate) struct Slice<T, I> {
    /// The items of the page.
    pub(crate) items: Vec<T>,
    /// Cursor of the next page; `None` on the last.
    pub(crate) next: Option<I>,
}

impl<T, I> Slice<T, I> {
    /// Maps the items, keeping the cursor.
    pub(crate) fn map<U>(self, f: impl FnMut(T) -> U) -> Slice<U, I> {
        Slice { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}
