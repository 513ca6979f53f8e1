//! Waiting for what has no message to wait for.

use std::time::Duration;

/// Nothing that is going to happen takes longer.
const LIMIT: Duration = Duration::from_secs(10);

/// Looks until it is so; fails where it does not become so in time.
pub async fn eventually(is_so: impl AsyncFn() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, looking).await.expect("this becomes so in time");
}
