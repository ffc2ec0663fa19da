//! Watches over what must not grow without bound: what is on the disk, and what waits for its checkpoint.

use std::time::Duration;

use audit::{Ledger, Log};
use storage::Space;
use tokio_util::sync::CancellationToken;

use super::pause;

/// Between two looks that may give up or make a reserve.
const TICK: Duration = Duration::from_secs(1);

/// Gives up reserves and makes them again. That the disk is nearly full is seen by whoever comes with new work: this only says when it is over.
pub(crate) async fn tend_space(space: Space, shutdown: CancellationToken) {
    while !pause(&shutdown, TICK).await {
        let tended = space.clone();
        match tokio::task::spawn_blocking(move || tended.tend()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(cause = %error, "the room on the disk cannot be watched over"),
            // The runtime ends.
            Err(_) => return,
        }
    }
}

/// Holds deeds back while more than `bound` rows wait for a checkpoint, and lets them go on when a tenth of that is worked off.
pub(crate) async fn watch_unpublished(log: Log, ledger: Ledger, bound: u64, shutdown: CancellationToken) {
    let mut held = false;
    while !pause(&shutdown, TICK).await {
        let waiting = match log.unpublished().await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::warn!(cause = %error, "what waits for its checkpoint cannot be counted");
                continue;
            }
        };
        let now = if held { waiting > bound - bound / 10 } else { waiting > bound };
        if now != held {
            match now {
                true => tracing::error!(waiting, bound, "too much waits for its checkpoint: deeds are refused"),
                false => tracing::info!(waiting, "deeds are taken again"),
            }
            ledger.hold_back(now);
            held = now;
        }
    }
}
