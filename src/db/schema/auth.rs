//! What the servers of one PostgreSQL database share about handshakes and logins. On SQLite the tables are
//! empty: the one server of a file keeps the same in memory.

diesel::table! {
    /// Tickets for WebSocket handshakes that nobody has redeemed yet.
    tickets (id) {
        id -> Text,
        user_id -> Text,
        sealed_token -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    /// How far each account, device, address and network has used up its failed logins.
    failed_logins (key) {
        key -> Text,
        full_at -> BigInt,
    }
}

diesel::table! {
    /// Attempts to log in whose password is being verified.
    login_attempts (key, id) {
        key -> Text,
        id -> Text,
        expires_at -> BigInt,
    }
}
