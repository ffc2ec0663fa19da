//! The loops that index the log, judge it, and deliver alerts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::alert::Receiver;
use audit::{Alerts, Index};
use storage::Clock;
use tokio_util::sync::CancellationToken;

use super::{Backoff, pause};

/// Between two looks at what is numbered.
const TICK: Duration = Duration::from_secs(1);

/// After a batch behind which there is more, at least: the writer has others to serve.
const BETWEEN_BATCHES: Duration = Duration::from_millis(20);

/// A batch is followed by a rest of so many times what it took. On a node that does all it can a batch takes longer, and so does the rest: documents go
/// first, and the index follows behind a peak. A search says which entries it covers.
const REST: u32 = 4;

/// How far it follows behind. Beyond that it does not rest: whoever wants to act unseen would make a peak, and alerts would come after it.
const BEHIND: time::Duration = time::Duration::seconds(15);

/// Between two looks at what is to be delivered.
const DELIVERY_TICK: Duration = Duration::from_secs(2);

/// Carries the index along behind the log, and judges what is indexed. The entries are read and opened once for both.
pub(crate) async fn watch_log(index: Index, alerts: Alerts, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    let mut backoff = Backoff::new();
    loop {
        let started = Instant::now();
        let round = async {
            let advance = index.advance().await?;
            let more = alerts.round_after(&advance.entries).await? || advance.more;
            let is_behind = advance.entries.last().is_some_and(|entry| clock.now() - entry.at > BEHIND);
            Ok::<_, storage::StoreError>((more, is_behind))
        };
        let rest = match round.await {
            Ok((more, is_behind)) => {
                backoff.reset();
                match (more, is_behind) {
                    (false, _) => TICK,
                    (true, true) => BETWEEN_BATCHES,
                    (true, false) => BETWEEN_BATCHES.max(started.elapsed() * REST),
                }
            }
            Err(error) => {
                tracing::warn!(cause = %error, "a round of the log's index failed");
                backoff.next()
            }
        };
        if pause(&shutdown, rest).await {
            return;
        }
    }
}

/// Delivers alerts to one receiver. Each has a loop of its own.
pub(crate) async fn deliver_alerts(alerts: Alerts, receiver: Arc<dyn Receiver>, shutdown: CancellationToken) {
    let mut backoff = Backoff::new();
    loop {
        let rest = match alerts.deliver(&*receiver).await {
            Ok(_) => {
                backoff.reset();
                DELIVERY_TICK
            }
            Err(error) => {
                tracing::warn!(cause = %error, "alerts are not read for delivery");
                backoff.next()
            }
        };
        if pause(&shutdown, rest).await {
            return;
        }
    }
}
