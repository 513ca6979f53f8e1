//! Polling for conditions that no message announces.

use std::time::Duration;

/// Upper bound for anything that is going to happen.
const LIMIT: Duration = Duration::from_secs(10);

/// Polls until the condition holds; panics after the time limit.
pub async fn eventually(is_so: impl AsyncFn() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, looking).await.expect("this becomes so in time");
}
