//! The rate limiter for HTTP callers, guesses at passwords and live sessions. It returns how long the caller
//! must wait; how that is expressed on the wire is up to each edge.
//!
//! It is the generic cell rate algorithm: a burst, then a sustained rate. Time is a parameter, and the number
//! of remembered keys is bounded, because a client that can invent keys could otherwise fill the memory.

mod callers;
mod gcra;
mod keyed;
pub(crate) mod network;

pub(crate) use callers::{CallerLimits, TokenDigest};
pub(crate) use gcra::{Bucket, Limited, Quota, RateLimitStatus};
pub(crate) use keyed::{Buckets, RateLimiter};
