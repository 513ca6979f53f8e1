//! What Souk says about itself: log lines and metrics. Uses nothing else of Souk, so that everything else may use it.

mod live;
pub mod logging;
pub mod metrics;
mod process;
mod scrub;

pub use live::register_live;
pub use metrics::Metrics;
pub use scrub::without_secret;
