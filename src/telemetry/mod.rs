//! Log lines and metrics. Depends on no other module of Souk, so that every other module may use it.

mod live;
pub mod logging;
pub mod metrics;
mod process;
mod scrub;

pub use live::register_live;
pub use metrics::Metrics;
pub use scrub::without_secret;
