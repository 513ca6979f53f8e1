//! Log lines and metrics. Depends on no other module of Souk, so that every other module may use it.

mod live;
pub mod logging;
pub(crate) mod metrics;
mod process;
mod rounds;
mod sample;
mod scrub;
mod sweep;

pub(crate) use live::register_live;
pub(crate) use metrics::Metrics;
pub(crate) use rounds::{LastRound, Round, Rounds};
pub(crate) use sample::Sample;
pub(crate) use scrub::without_secret;
pub(crate) use sweep::SweepFailures;
