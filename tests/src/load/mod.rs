//! The load generator: how much does a node carry, and does it lose or repeat anything while it does?
//!
//! Open loop: submission `i` is due at `i / rate` seconds whatever the node does, and its latency counts from then, so a
//! node that stalls is charged for everything that should have arrived meanwhile (no coordinated omission). Every
//! document is different and really signed; recipients lease, download both parts, open them, check their digests, and
//! acknowledge with a signature. Percentiles are of all samples, sorted; nothing is bucketed.
//!
//! | module | what it holds |
//! |---|---|
//! | [`options`] | the command line |
//! | [`stage`] | a throw-away node in a process of its own, or one that runs elsewhere |
//! | [`backlog`] | what such a node keeps already |
//! | [`log_ages`] | how far its log follows behind |
//! | [`large`] | one large document instead of many small ones |
//! | [`party`] | participants and their keys, read from a folder |
//! | [`pool`] | keep-alive connections |
//! | [`sender`], [`recipient`] | the two sides |
//! | [`tally`] | what came to pass, and the figures from it |

pub mod backlog;
pub mod large;
pub mod log_ages;
pub mod options;
pub mod party;
pub mod pool;
pub mod recipient;
pub mod sender;
pub mod stage;
pub mod tally;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::harness::process::{cpu_seconds, peak_memory_mib};
use options::Options;
use sender::Prepared;
use stage::Stage;
use tally::{Figures, Tally};

/// Identifies a run, and the place of a document in it: the first bytes of every document.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    id: [u8; 8],
    start: Instant,
    rate: f64,
}

impl Run {
    /// Shortest document: the run and the index must fit.
    pub const LEAST_BYTES: usize = 16;

    /// When submission `index` is due.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "an index stays far below 2^52")]
    pub fn due(&self, index: u64) -> Instant {
        self.start + Duration::from_secs_f64(index as f64 / self.rate)
    }

    /// The document of that index: the run, the index, then bytes that do not compress.
    #[must_use]
    pub fn document(&self, index: u64, size: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size + 8);
        bytes.extend_from_slice(&self.id);
        bytes.extend_from_slice(&index.to_be_bytes());
        // xorshift64*: cheap, and no two documents are alike.
        let mut state = index.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        while bytes.len() < size {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes());
        }
        bytes.truncate(size.max(Self::LEAST_BYTES));
        bytes
    }

    /// The index of a document, or `None` where it is of another run.
    #[must_use]
    pub fn index(&self, document: &[u8]) -> Option<u64> {
        let index = document.strip_prefix(&self.id)?.get(..8)?;
        index.try_into().ok().map(u64::from_be_bytes)
    }
}

/// Drives the node as the options say and returns the figures.
///
/// # Panics
/// Where the stage cannot be set up.
pub async fn drive(options: &Options) -> Figures {
    let stage = Stage::set(options).await;
    let mut run = Run { id: crypto::random::array(), start: Instant::now(), rate: f64::from(options.rate) };
    let prepared = Prepared::sign(&stage.senders, run, options);
    for pool in stage.senders.iter().map(|sender| sender.pool()).chain(stage.recipients.iter().map(|r| r.pool())) {
        pool.warm().await.expect("the node can be reached");
    }
    run.start = Instant::now() + Duration::from_millis(500);
    let tally = Arc::new(Tally::new(run));
    let recipients = recipient::start(&stage.recipients, &tally, options);
    let before = stage.process.and_then(cpu_seconds);
    let watch = stage.operator().map(log_ages::Watch::start);

    let submissions = sender::send_all(&stage.senders, prepared, &tally, options).await;
    submissions.wait().await;
    let deadline = Instant::now() + Duration::from_secs(options.drain);
    while (tally.waiting() > 0 || tally.incomplete() > 0) && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A second delivery would come after the first: give it a moment to show itself.
    tokio::time::sleep(Duration::from_millis(500)).await;

    let after = stage.process.and_then(cpu_seconds);
    let memory = stage.process.and_then(peak_memory_mib);
    recipients.stop();
    let cpu = before.zip(after).map(|(before, after)| after - before);
    tally.report_failures();
    if let Some(seconds) = options.windows {
        tally.report_windows(options, seconds);
    }
    let mut figures = tally.figures(options, cpu, memory);
    if let Some(watch) = watch {
        let ages = watch.finish().await;
        (figures.log_age_max_s, figures.index_age_max_s) = (Some(ages.unpublished), Some(ages.unindexed));
    }
    figures.evidence_complete = stage.evidence_complete().await;
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_tells_its_index_to_its_own_run_only() {
        let run = |id| Run { id: [id; 8], start: Instant::now(), rate: 500.0 };
        for size in [0, 16, 17, 4096] {
            let document = run(1).document(77, size);
            assert_eq!(document.len(), size.max(Run::LEAST_BYTES));
            assert_eq!((run(1).index(&document), run(2).index(&document)), (Some(77), None));
        }
        assert_ne!(run(1).document(1, 4096)[16..], run(1).document(2, 4096)[16..]);
    }

    #[test]
    fn arrivals_keep_their_schedule() {
        let run = Run { id: [0; 8], start: Instant::now(), rate: 500.0 };
        assert_eq!(run.due(30_000) - run.due(0), Duration::from_secs(60));
    }
}
