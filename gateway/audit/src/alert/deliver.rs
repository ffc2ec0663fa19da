//! Alerts on their way to a receiver, one after another; those of another receiver go their own way.

use std::pin::Pin;

use schemas::AlertId;
use schemas::audit::Alert;
use storage::jobs::{self, Job};
use storage::{StoreError, TxError};
use time::Duration;

use super::{Alerts, object, rows};
use crate::event::{Action, EventDraft, Outcome};
use crate::ledger::append;

/// Why an alert did not arrive; for the operator's log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undelivered(pub String);

/// Where alerts go.
pub trait Receiver: Send + Sync {
    /// The name under which alerts are queued for it: `webhook`, `syslog`.
    fn name(&self) -> &'static str;

    /// Delivers one. It may come again, under the same number, where an answer was lost. Bounded in time by who implements it.
    fn deliver<'a>(&'a self, alert: &'a Alert) -> Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 'a>>;
}

/// Longer than a delivery takes.
const LEASE: Duration = Duration::seconds(60);

/// Alerts of one round.
const AT_ONCE: u32 = 16;

const FIRST_PAUSE: Duration = Duration::seconds(2);
/// A receiver that is back is noticed within this time.
const LONGEST_PAUSE: Duration = Duration::minutes(5);

pub(super) fn kind(receiver: &str) -> String {
    format!("alert.{receiver}")
}

impl Alerts {
    /// Delivers what is due to a receiver; how many arrived. The first that does not ends the round: it waits, longer each time, and so do the others,
    /// each for its own next try.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn deliver(&self, receiver: &dyn Receiver) -> Result<u32, StoreError> {
        let inner = &self.inner;
        let now = inner.clock.now();
        let due = jobs::claim(&inner.writer, &kind(receiver.name()), AT_ONCE, LEASE, now).await?;
        let (mut arrived, mut failed) = (0, false);
        for job in due {
            let id = AlertId::from_bytes(&job.subject).map_err(|_| StoreError::Corrupt("jobs.subject"))?;
            if failed {
                // Untried: it is not its turn that failed.
                jobs::release(&inner.writer, &job, inner.clock.now() + FIRST_PAUSE).await?;
                continue;
            }
            let found = inner.reader.read("alert_to_deliver", move |tx| rows::alert(tx, id)).await?;
            let Some(kept) = found else { return Err(StoreError::Corrupt("an alert that is to be delivered")) };
            match receiver.deliver(&kept.alert).await {
                Ok(()) => arrived += u32::from(self.delivered(&job, id, receiver.name()).await?),
                Err(error) => {
                    failed = true;
                    let name = receiver.name();
                    metrics::counter!("vuzol_alert_delivery_failures_total", "receiver" => name).increment(1);
                    tracing::warn!(receiver = name, attempts = job.attempts, cause = %error, "an alert is not delivered");
                    jobs::release(&inner.writer, &job, inner.clock.now() + pause(job.attempts)).await?;
                }
            }
        }
        Ok(arrived)
    }

    /// False: it took longer than its lease, and another has it.
    async fn delivered(&self, job: &Job, alert: AlertId, receiver: &'static str) -> Result<bool, StoreError> {
        let details = serde_json::json!({ "receiver": receiver, "attempts": job.attempts });
        let (action, actor, outcome) = (Action::DeliverAlert, "node".to_owned(), Outcome::Done);
        let event = EventDraft { action, actor, object: Some(object(alert)), outcome, details };
        let (event, job) = (self.inner.ledger.prepare(event), job.clone());
        let done = self.inner.ledger.transact("deliver_alert", move |tx| {
            if !jobs::complete(tx, &job)? {
                return Err(StoreError::Conflict);
            }
            rows::deliver(tx, alert, receiver, event.at())?;
            Ok(append(tx, &event)?.with(()))
        });
        match done.await {
            Ok(()) => Ok(true),
            Err(TxError::Refused(StoreError::Conflict)) => Ok(false),
            Err(TxError::Refused(error) | TxError::Store(error)) => Err(error),
        }
    }
}

/// Doubles with each try up to the longest.
fn pause(attempts: u32) -> Duration {
    (FIRST_PAUSE * 2_i32.pow(attempts.saturating_sub(1).min(10))).min(LONGEST_PAUSE)
}
