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
const BEHIND: time::Duration = time::Duration::seconds(10);

/// How much larger a batch becomes then, at most: by one batch for each second beyond. Where every batch waits for the writer and the processor a quarter of a
/// second, many small ones would never catch up; and where they do, a large one would only keep the writer from documents.
const LARGER: i64 = 8;

/// Between two looks at what is to be delivered.
const DELIVERY_TICK: Duration = Duration::from_secs(2);

/// Carries the index along behind the log, and judges what is indexed. The entries are read and opened once for both.
pub(crate) async fn watch_log(index: Index, alerts: Alerts, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    let (mut backoff, mut behind) = (Backoff::new(), None);
    let follows = metrics::gauge!("vuzol_log_index_seconds");
    loop {
        let started = Instant::now();
        let round = async {
            let advance = index.advance(batch(behind)).await?;
            let more = alerts.round_after(&advance.entries).await? || advance.more;
            let age = advance.entries.last().map_or(time::Duration::ZERO, |entry| clock.now() - entry.at);
            Ok::<_, storage::StoreError>(more.then_some(age))
        };
        let rest = match round.await {
            Ok(now) => {
                backoff.reset();
                behind = now;
                follows.set(behind.map_or(0.0, |behind| behind.as_seconds_f64().max(0.0)));
                rest(started.elapsed(), behind)
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

/// How many entries the next batch has. `behind`: how old the last entry of the batch before was, where there are more.
fn batch(behind: Option<time::Duration>) -> u32 {
    let beyond = behind.map_or(0, |behind| behind.saturating_sub(BEHIND).whole_seconds());
    Index::BATCH * u32::try_from(beyond.saturating_add(1).clamp(1, LARGER)).unwrap_or(1)
}

/// After a batch that took so long; `behind` as for [`batch`].
fn rest(took: Duration, behind: Option<time::Duration>) -> Duration {
    match behind {
        None => TICK,
        Some(behind) if behind > BEHIND => BETWEEN_BATCHES,
        Some(_) => BETWEEN_BATCHES.max(took.saturating_mul(REST)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_rests_beside_a_peak_until_it_is_too_far_behind() {
        let (took, span) = (Duration::from_millis(30), time::Duration::seconds);
        assert_eq!(rest(took, None), TICK);
        assert_eq!(rest(took, Some(span(1))), took * REST);
        assert_eq!(rest(took, Some(BEHIND)), took * REST);
        assert_eq!(rest(took, Some(BEHIND + span(1))), BETWEEN_BATCHES);
        assert_eq!(rest(Duration::from_secs(60), Some(span(3600))), BETWEEN_BATCHES, "however long it took");
        let batches = |behind| batch(behind) / Index::BATCH;
        assert_eq!([None, Some(span(-5)), Some(BEHIND), Some(BEHIND + span(1))].map(batches), [1, 1, 1, 2]);
        assert_eq!([7, 8, 3600].map(|beyond| batches(Some(BEHIND + span(beyond)))), [8, 8, 8]);
        assert_eq!(batches(Some(time::Duration::MAX)), 8);
        assert_eq!(rest(Duration::ZERO, Some(span(-5))), BETWEEN_BATCHES, "a clock that went back");
    }
}
