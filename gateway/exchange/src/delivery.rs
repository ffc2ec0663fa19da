//! Carriers: take accepted messages to where they go.
//!
//! A mailbox of this node needs no carrier in the ordinary case: the acceptance puts the message into it in its own
//! transaction. What could not be put there at once is a job of the carrier here, which states D.1 when it is done. A job is
//! done at least once and takes effect exactly once: the step, its evidence, its audit row and the job's end are one
//! transaction, which a lost lease rolls back. A message that fails too often goes into quarantine, with evidence D.2.

use audit::Action;
use futures_util::future::join_all;
use schemas::message::{MessageState, Term};
use schemas::{MessageId, ProblemCode};
use storage::jobs::{self, Job};
use storage::{StoreError, TxError};
use time::Duration;

use crate::edge::{self, Deed, Edge, NoEdge};
use crate::message::{Message, digests};
use crate::notices::Bells;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables;

/// The kind of delivery jobs.
pub(crate) const JOB_KIND: &str = "deliver";

/// How long a carrier may take before another tries.
const JOB_LEASE: Duration = Duration::seconds(60);

/// The longest pause between two tries of one message.
const LONGEST_PAUSE: Duration = Duration::minutes(5);

/// Tries after which a message goes into quarantine: some two and a half hours.
const TRIES: u32 = 36;

/// Why a job did not end well.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// It took too long and is in other hands now.
    #[error("the lease on the job was lost")]
    LeaseLost,
    /// Nothing is left to do.
    #[error("the message is not where the job expects it")]
    Moved,
    /// The recipient's mailbox is gone. Tried again later: an operator may be about to register it anew.
    #[error("the recipient's mailbox is not registered")]
    NoMailbox,
    /// Tried again later.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The evidence key failed. Tried again later.
    #[error("evidence cannot be signed: {0}")]
    Signing(#[from] crypto::key::KeyError),
}

impl Failed {
    /// The reason that evidence D.2 names.
    fn code(&self) -> &'static str {
        match self {
            Self::NoMailbox => ProblemCode::UnknownRecipient.as_str(),
            Self::Store(StoreError::Corrupt(_) | StoreError::Conflict) | Self::LeaseLost | Self::Moved => {
                ProblemCode::Internal.as_str()
            }
            Self::Store(_) => ProblemCode::StorageUnavailable.as_str(),
            Self::Signing(crypto::key::KeyError::Unavailable) => ProblemCode::EvidenceUnavailable.as_str(),
            Self::Signing(_) => ProblemCode::Internal.as_str(),
        }
    }
}

/// Why there is no edge into the mailbox.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoConsignment {
    /// The step.
    #[error(transparent)]
    Edge(#[from] NoEdge),
    /// The registry cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NoConsignment> for Refusal {
    fn from(error: NoConsignment) -> Self {
        match error {
            NoConsignment::Edge(error) => error.into(),
            NoConsignment::Store(error) => error.into(),
        }
    }
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
        let failed = match self.carry(job).await {
            Ok(()) => {
                metrics::counter!("vuzol_deliveries_total", "outcome" => "consigned").increment(1);
                return;
            }
            Err(failed) => failed,
        };
        let done = match &failed {
            Failed::LeaseLost => Ok(()),
            Failed::Moved => self.close(job).await,
            _ if job.attempts >= TRIES => self.quarantine(job, failed.code()).await,
            Failed::NoMailbox | Failed::Store(_) | Failed::Signing(_) => {
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

    /// Validated -> Consigned, evidence D.1.
    async fn carry(&self, job: &Job) -> Result<(), Failed> {
        let message = self.message_of(job).await?;
        if message.standing() != MessageState::Validated {
            return Err(Failed::Moved);
        }
        if !self.inner.registry.mailbox_exists(&message.recipient).await? {
            return Err(Failed::NoMailbox);
        }
        let edge = self.consignment(&message).await.map_err(|error| match error {
            NoConsignment::Edge(NoEdge::Wrong(_)) => Failed::Moved,
            NoConsignment::Edge(NoEdge::Signing(error)) => Failed::Signing(error),
            NoConsignment::Store(error) => Failed::Store(error),
        })?;
        self.end_with(job, edge).await
    }

    async fn message_of(&self, job: &Job) -> Result<Message, Failed> {
        let id = MessageId::from_bytes(&job.subject).map_err(|_| StoreError::Corrupt("jobs.subject"))?;
        let reader = self.inner.ledger.reader();
        let message = reader.read("read_message", move |tx| tables::read_message(tx, id)).await?;
        message.ok_or(Failed::Store(StoreError::Corrupt("jobs.subject")))
    }

    /// The step and the end of its job, in one transaction.
    async fn end_with(&self, job: &Job, edge: Edge) -> Result<(), Failed> {
        let (job, bells) = (job.clone(), Bells::of([&edge]));
        let taken = self.inner.ledger.transact("end_delivery", move |tx| {
            if !jobs::complete(tx, &job)? {
                return Err(Failed::LeaseLost);
            }
            let appended = edge::take(tx, &edge, None)?.ok_or(Failed::Moved)?;
            Ok::<_, Failed>(appended.with(()))
        });
        taken.await?;
        self.rings(&bells);
        Ok(())
    }

    /// The edge that puts an accepted message into its mailbox; the recipient's term begins, as its channel states it.
    pub(crate) async fn consignment(&self, message: &Message) -> Result<Edge, NoConsignment> {
        let since = self.inner.clock.now();
        let Message { sender, recipient, kind, .. } = message;
        let policy = self.inner.registry.channel_policy(*sender, recipient, kind).await?;
        // A channel that was closed since the acceptance says nothing any more.
        let days = policy.map_or(u32::from(self.inner.terms.expiry), |policy| policy.acknowledge_within_days);
        let until = since + Duration::days(i64::from(days));
        let term = Term { since, until, reminders: 0 };
        let details = serde_json::json!({ "recipient": &message.recipient, "parts": digests(&message.parts) });
        Ok(self.edge(message, &Step::Consign { term }, Deed::of_node(Action::ConsignMessage, details))?)
    }

    /// What could not be delivered after many tries is nobody's secret: evidence D.2 tells the sender, and the message waits
    /// for two operators.
    async fn quarantine(&self, job: &Job, reason: &'static str) -> Result<(), StoreError> {
        let done = async {
            let message = self.message_of(job).await?;
            let step = Step::Quarantine { reason: reason.to_owned() };
            let details = serde_json::json!({ "reason": reason, "attempts": job.attempts });
            let edge = self.edge(&message, &step, Deed::of_node(Action::QuarantineMessage, details));
            let edge = edge.map_err(|error| match error {
                NoEdge::Wrong(_) => Failed::Moved,
                NoEdge::Signing(error) => Failed::Signing(error),
            })?;
            self.end_with(job, edge).await
        };
        match done.await {
            Ok(()) => {
                metrics::counter!("vuzol_deliveries_total", "outcome" => "quarantined").increment(1);
                Ok(())
            }
            Err(Failed::Moved) => self.close(job).await,
            Err(Failed::Store(error)) => Err(error),
            // Tried again when the lease has run out.
            Err(failed) => {
                tracing::error!(job = %job.id, %failed, "a message cannot be put into quarantine");
                Ok(())
            }
        }
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
