//! Roles and plans. Apart from `users`, since `policy` needs only these.

use crate::db::text_enum;

text_enum! {
    /// A user's side of the marketplace.
    pub enum Role {
        /// Posts requests and accepts offers.
        Consumer = "consumer",
        /// Answers requests with offers.
        Provider = "provider",
        /// Administers the marketplace; passes checks, with an audit row.
        Admin = "admin",
    }
}

text_enum! {
    /// A user's plan; decides limits, never rights.
    pub enum Plan {
        /// The default: lowest limits.
        Free = "free",
        /// Higher limits.
        Pro = "pro",
        /// Highest limits.
        Enterprise = "enterprise",
    }
}
