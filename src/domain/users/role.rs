//! Which side of the marketplace a user is on, and what they pay for. Apart from users, since the policy knows these alone.

use crate::db::text_enum;

text_enum! {
    /// Which side of the marketplace a user is on.
    pub enum Role {
        /// Posts requests, accepts offers.
        Consumer = "consumer",
        /// Answers requests with offers.
        Provider = "provider",
        /// Looks after the marketplace; passes checks, with an audit row.
        Admin = "admin",
    }
}

text_enum! {
    /// What a user has paid for; decides limits, never rights.
    pub enum Plan {
        /// The default.
        Free = "free",
        /// More of everything.
        Pro = "pro",
        /// Most of everything.
        Enterprise = "enterprise",
    }
}
