//! Tables by which the processes on one database hear of each other, and share what must hold for all of them.

diesel::table! {
    /// What each commit announces, for other processes. PostgreSQL's `xid` and SQLite's `id`, which order the
    /// rows, have no common type and are read by `db::tail` alone.
    commits (at) {
        node -> Text,
        at -> BigInt,
        rooms -> Text,
        revocations -> Text,
        admin_events -> Nullable<Text>,
        presence -> Nullable<Text>,
    }
}

diesel::table! {
    /// How far a reader that all nodes share has read `commits`.
    commit_readers (name) {
        name -> Text,
        position -> Text,
    }
}

diesel::table! {
    /// The servers on this database.
    nodes (id) {
        id -> Text,
        seen_at -> BigInt,
    }
}

diesel::table! {
    /// The live connections of all nodes.
    live_connections (id) {
        id -> Text,
        node -> Text,
        user_id -> Text,
        login_id -> Nullable<Text>,
        issuer -> Nullable<Text>,
        endpoint -> Text,
        address -> Text,
        since -> BigInt,
        last_seen_at -> BigInt,
        messages -> BigInt,
        rooms -> BigInt,
        project_id -> Nullable<Text>,
        client_id -> Nullable<Text>,
    }
}

diesel::table! {
    /// The users whom each node has in each room, where members see who else is there.
    room_members (room, user_id, node) {
        room -> Text,
        user_id -> Text,
        node -> Text,
    }
}

diesel::table! {
    /// Which node does for a while what one node should do.
    leases (name) {
        name -> Text,
        node -> Text,
        ends_at -> BigInt,
    }
}
