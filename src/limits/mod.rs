//! How much somebody may ask for: one rate limiter for HTTP callers, for guesses at passwords and for live sessions. It says
//! who must wait and for how long; what that is on the wire is each edge's own.
//!
//! The generic cell rate algorithm: so many at once, and then evenly. Time is a parameter, and the number of remembered keys
//! is bounded, since whoever can make up keys could fill memory.

mod callers;
mod gcra;
mod keyed;
pub mod network;

pub use callers::{CallerLimits, TokenDigest};
pub use gcra::{Bucket, Limited, Quota, Standing};
pub use keyed::{Buckets, RateLimiter};
