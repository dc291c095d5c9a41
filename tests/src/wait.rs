//! Waiting for something to become true, by asking again until a deadline.

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up: far more than it should,
/// so that a loaded machine fails no test.
pub const DEADLINE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(40);

/// Asks `look` until it gives something.
///
/// # Panics
/// After [`DEADLINE`], naming `what` was waited for.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            start.elapsed() < DEADLINE,
            "{what} did not happen within {DEADLINE:?}"
        );
        tokio::time::sleep(PAUSE).await;
    }
}

/// Does several things side by side and gives what came of each, in their order.
pub async fn together<F: Future>(all: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    futures_util::future::join_all(all).await
}
