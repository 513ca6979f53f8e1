//! Users: whoever can be authenticated, what they are here for and what they pay for.

use super::text_enum;

text_enum! {
    /// What a user is here for. One per user; decided at registration, changed by admins alone.
    pub enum Role {
        /// Asks for work.
        Consumer = "consumer",
        /// Does work.
        Provider = "provider",
        /// Runs the marketplace.
        Admin = "admin",
    }
}

text_enum! {
    /// What a user pays for; decides limits, never rights.
    pub enum Plan {
        /// The default.
        Free = "free",
        /// Paid.
        Pro = "pro",
        /// By contract.
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
        assert_eq!("root".parse::<Role>().unwrap_err().to_string(), "must be one of consumer provider admin");
    }
}
