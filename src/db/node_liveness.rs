//! When a node counts as alive; PostgreSQL only. By PostgreSQL's clock, so that the nodes' own clocks do not matter.

use std::time::Duration;

/// A node's rows stop counting when it has been silent for this long.
pub(crate) const SILENT_AFTER: Duration = Duration::from_secs(10);

/// PostgreSQL's clock in microseconds, as SQL.
pub(crate) const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// A condition on `nodes`, as SQL: the node was seen within this time.
pub(crate) fn seen_within(time: Duration) -> String {
    format!("nodes.seen_at > {NOW} - {}", time.as_micros())
}

/// A condition on `nodes`, as SQL: the node counts as alive.
pub(crate) fn is_alive() -> String {
    seen_within(SILENT_AFTER)
}
