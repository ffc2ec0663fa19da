//! Carriers: take queued messages to where they go.
//!
//! So far there is one carrier, the local one: it puts a message into a mailbox of this node and states so (D.1). A job is
//! done at least once and takes effect exactly once: the step, its evidence, its audit row and the job's end are one
//! transaction, which a lost lease rolls back.

use audit::{Action, EventDraft, Outcome};
use futures_util::future::join_all;
use schemas::{EvidenceId, MessageId};
use storage::ids::FreshId;
use storage::jobs::{self, Job};
use storage::{StoreError, TxError};
use time::Duration;

use crate::message::{Evidence, Message, Stated, digests};
use crate::service::Exchange;
use crate::state::{Step, advance};
use crate::tables;

/// The kind of delivery jobs.
pub(crate) const JOB_KIND: &str = "deliver";

/// How long a carrier may take before another tries.
const JOB_LEASE: Duration = Duration::seconds(60);

/// The longest pause between two tries of one message.
const LONGEST_PAUSE: Duration = Duration::minutes(5);

/// Why a job did not end well.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// It took too long and is in other hands now.
    #[error("the lease on the job was lost")]
    LeaseLost,
    /// Nothing is left to do.
    #[error("the message is not queued")]
    NotQueued,
    /// Tried again later.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The evidence key failed. Tried again later.
    #[error("evidence cannot be signed: {0}")]
    Signing(#[from] crypto::key::KeyError),
}

impl From<TxError<Failed>> for Failed {
    fn from(error: TxError<Failed>) -> Self {
        match error {
            TxError::Refused(failed) => failed,
            TxError::Store(error) => Self::Store(error),
        }
    }
}

impl Exchange {
    /// One round: leases up to `limit` due delivery jobs and consigns their messages, side by side, so that they share a
    /// commit. Returns how many were leased: less than `limit` means that nothing more is due.
    ///
    /// # Errors
    /// When jobs cannot be leased. A message that fails is tried again later and holds up no other.
    pub async fn deliver_round(&self, limit: u32) -> Result<usize, StoreError> {
        let now = self.inner.clock.now();
        let due = jobs::claim(&self.inner.jobs, JOB_KIND, limit, JOB_LEASE, now).await?;
        join_all(due.iter().map(|job| self.deliver(job))).await;
        Ok(due.len())
    }

    /// Resolves when a job was committed by this process since the last time it resolved. Jobs of other processes, and
    /// those that are tried again, are found by asking from time to time.
    pub async fn work_arrived(&self) {
        self.inner.arrived.notified().await;
    }

    async fn deliver(&self, job: &Job) {
        let failed = match self.consign(job).await {
            Ok(()) => {
                metrics::counter!("vuzol_deliveries_total", "outcome" => "consigned").increment(1);
                return;
            }
            Err(failed) => failed,
        };
        let done = match &failed {
            Failed::LeaseLost => Ok(()),
            Failed::NotQueued => self.close(job).await,
            Failed::Store(_) | Failed::Signing(_) => {
                let run_at = self.inner.clock.now() + pause(job.attempts);
                jobs::release(&self.inner.jobs, job, run_at).await
            }
        };
        tracing::warn!(job = %job.id, attempts = job.attempts, %failed, "a delivery did not end well");
        metrics::counter!("vuzol_deliveries_total", "outcome" => "failed").increment(1);
        if let Err(error) = done {
            // Its lease runs out, and another round finds it.
            tracing::warn!(job = %job.id, %error, "a job cannot be given back");
        }
    }

    /// Queued -> Consigned, evidence D.1.
    async fn consign(&self, job: &Job) -> Result<(), Failed> {
        let id = MessageId::from_bytes(&job.subject).map_err(|_| StoreError::Corrupt("jobs.subject"))?;
        let reader = self.inner.ledger.reader();
        let message = reader.read("read_message", move |tx| tables::read_message(tx, id)).await?;
        let message = message.ok_or(StoreError::Corrupt("jobs.subject"))?;
        let (evidence, event) = self.consignment(&message)?;
        let job = job.clone();
        let consigned = self.inner.ledger.transact("consign_message", move |tx| {
            if !jobs::complete(tx, &job)? {
                return Err(Failed::LeaseLost);
            }
            if !tables::consign(tx, &evidence)? {
                return Err(Failed::NotQueued);
            }
            Ok::<_, Failed>(audit::append(tx, &event)?.with(()))
        });
        Ok(consigned.await?)
    }

    fn consignment(&self, message: &Message) -> Result<(Evidence, audit::Event), Failed> {
        let state = advance(message.state, Step::Consign).map_err(|_| Failed::NotQueued)?;
        let id = EvidenceId::fresh(self.inner.clock.now());
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::ConsignMessage,
            actor: "node".to_owned(),
            object: Some(message.object()),
            outcome: Outcome::Done,
            details: serde_json::json!({
                "recipient": &message.recipient,
                "parts": digests(&message.parts),
                "evidence": id,
            }),
        });
        let (kind, at) = (Step::Consign.evidence(), event.at());
        let stated = Stated { id, kind, node: self.inner.signer.node(), at, event: event.id() };
        let jws = self.inner.signer.sign(&message.statement(stated))?;
        Ok((Evidence { id, message: message.id, kind, state, at, event: event.id(), jws }, event))
    }

    /// Ends a job whose work is done. No deed, so no audit row.
    async fn close(&self, job: &Job) -> Result<(), StoreError> {
        let job = job.clone();
        let closed = self.inner.jobs.run_tx("close_job", move |tx| jobs::complete(tx, &job));
        closed.await.map(drop).map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })
    }
}

/// Doubles with each try: 1 s, 2 s, 4 s, up to the longest.
fn pause(attempts: u32) -> Duration {
    Duration::seconds(1_i64 << attempts.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let pauses: Vec<_> = [0, 1, 2, 3, 9, 10, u32::MAX].map(|n| pause(n).whole_seconds()).to_vec();
        assert_eq!(pauses, [1, 1, 2, 4, 256, 300, 300]);
    }
}
