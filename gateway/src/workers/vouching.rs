//! The loops by which others vouch for the log: witnesses are asked, checkpoints are time-stamped, and where the operators want it, deeds are refused once
//! nobody has vouched for too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use audit::Log;
use audit::anchors::{AnchorFailure, Anchors};
use storage::Clock;
use tokio_util::sync::CancellationToken;

use super::{Backoff, pause};
use crate::wiring::vouching::Asking;

/// Between two looks whether a time-stamp is due.
const ANCHOR_TICK: Duration = Duration::from_secs(1);

/// Between two tries of an authority that fails. Its client lets it rest, too.
const ANCHOR_PAUSE: Duration = Duration::from_secs(15);

/// Between two looks at the age of the witnessed head.
const WATCH: Duration = Duration::from_secs(1);

/// Asks the witnesses about each head.
pub(crate) async fn ask_witnesses(asking: Arc<Asking>, shutdown: CancellationToken) {
    let mut quorum = match asking.quorum() {
        Ok(quorum) => quorum,
        // The wiring has made one of the same parts.
        Err(error) => return tracing::error!(cause = %error, "witnesses are not asked"),
    };
    let mut backoff = Backoff::new();
    loop {
        let step = tokio::select! {
            () = shutdown.cancelled() => return,
            step = quorum.step() => step,
        };
        match step {
            Ok(()) => backoff.reset(),
            Err(error) => {
                tracing::warn!(cause = %error, "a round of questions to witnesses failed");
                pause(&shutdown, backoff.next()).await;
            }
        }
    }
}

/// Has checkpoints time-stamped. A failure is logged once, until it is over.
pub(crate) async fn anchor_log(anchors: Arc<Anchors>, shutdown: CancellationToken) {
    let mut failing = false;
    loop {
        let round = tokio::select! {
            () = shutdown.cancelled() => return,
            round = anchors.round() => round,
        };
        let rest = match round {
            Ok(_) => {
                failing = false;
                ANCHOR_TICK
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    match &error {
                        AnchorFailure::Unstamped(why) => {
                            tracing::warn!(cause = %why, "a checkpoint is not time-stamped")
                        }
                        AnchorFailure::Log(why) => tracing::error!(cause = %why, "a checkpoint is not time-stamped"),
                    }
                }
                ANCHOR_PAUSE
            }
        };
        if pause(&shutdown, rest).await {
            return;
        }
    }
}

/// Whether deeds are refused, because no quorum has vouched for the log for so long. Each process looks for itself: it may ask no witness.
pub(crate) struct Stop {
    log: Log,
    clock: Arc<dyn Clock>,
    /// None: never.
    after: Option<time::Duration>,
    stopped: AtomicBool,
}

impl Stop {
    pub(crate) fn new(log: Log, clock: Arc<dyn Clock>, after_hours: Option<u16>) -> Self {
        let after = after_hours.map(|hours| time::Duration::hours(i64::from(hours)));
        Self { log, clock, after, stopped: AtomicBool::new(false) }
    }

    /// Whether the bound is passed.
    pub(crate) fn is_in_force(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Looks how old the oldest event is that no witnessed head covers. What cannot be read leaves everything as it is: without the database no deed is done.
    pub(crate) async fn look(&self) {
        let Some(after) = self.after else { return };
        let since = match self.log.vouched().await {
            Ok(vouched) => vouched.unwitnessed_since,
            Err(error) => return tracing::warn!(cause = %error, "the age of the witnessed head cannot be read"),
        };
        let stopped = since.is_some_and(|since| self.clock.now() - since > after);
        if self.stopped.swap(stopped, Ordering::Relaxed) != stopped {
            if stopped {
                tracing::error!("no quorum of witnesses cosigns the log: deeds are refused, as configured");
            } else {
                tracing::info!("a quorum of witnesses cosigns the log again: deeds are taken again");
            }
        }
        metrics::gauge!("vuzol_log_unwitnessed_stop").set(if stopped { 1.0 } else { 0.0 });
    }
}

/// Looks every second.
pub(crate) async fn watch_stop(stop: Arc<Stop>, shutdown: CancellationToken) {
    while !pause(&shutdown, WATCH).await {
        stop.look().await;
    }
}
