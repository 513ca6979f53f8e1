//! Users: whoever can be authenticated.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_others_are_refused() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        assert_eq!("root".parse::<Role>().unwrap_err(), "must be one of consumer, provider, admin");
    }
}
