//! Tables by which the processes on one database hear of each other.

diesel::table! {
    /// What each commit announces, for other processes. PostgreSQL's `xid` and SQLite's `id`, which order the
    /// rows, have no common type and are read by `db::tail` alone.
    commits (at) {
        node -> Text,
        at -> BigInt,
        rooms -> Text,
        revocations -> Text,
        admin_events -> Nullable<Text>,
    }
}

diesel::table! {
    /// How far a reader that all nodes share has read `commits`.
    commit_readers (name) {
        name -> Text,
        position -> Text,
    }
}
