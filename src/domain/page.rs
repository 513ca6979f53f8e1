//! Pages of lists that only grow at one end: newest first, continued before an id.

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Page<I> {
    /// Only what is older than this.
    pub before: Option<I>,
    /// At most so many items.
    pub limit: u16,
}

impl<I> Page<I> {
    /// How many rows to ask the database for: one more than the page shows, to know whether there are more.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The page out of the rows that were fetched, with the id to continue before.
    pub fn slice<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> I) -> Slice<T, I> {
        let limit = usize::from(self.limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(id) } else { None };
        Slice { items: rows, next }
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Slice<T, I> {
    /// The items.
    pub items: Vec<T>,
    /// Continue before this one; absent at the end.
    pub next: Option<I>,
}

impl<T, I> Slice<T, I> {
    /// The same page of other items.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Slice<U, I> {
        Slice { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}
