//! Middleware: what happens to every request before its route sees it, and to every response after.
//!
//! From the outside in: [`call()`] assigns an id, counts and logs; compression; [`spare_short`] keeps that from short
//! answers; `render` writes errors as problem documents; [`explain_cors`] and [`cors()`]; [`catch_panic`] turns a panic
//! into a 500; [`limit_body_time`] bounds how long a body may take to arrive; [`refuse_surplus`] refuses what comes on one
//! connection too many; [`authenticate()`] counts the request and identifies the caller.

mod access;
mod authenticate;
mod body_time;
mod call;
mod cors;
mod encoding;
mod panic;
mod surplus;

pub(crate) use authenticate::authenticate;
pub(crate) use body_time::limit_body_time;
pub(crate) use call::call;
pub(crate) use cors::{cors, explain_cors};
pub(crate) use encoding::spare_short;
pub(crate) use panic::catch_panic;
pub(crate) use surplus::refuse_surplus;
