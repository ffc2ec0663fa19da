//! Alerts: what the rules of [`crate::detect`] found, kept, delivered and answered.
//!
//! A batch of entries is judged, and what was found is written together with the place up to which was judged and with an audit row for each alert, in one
//! transaction: each cause is raised once, whatever stops when, and whichever process judges. Deliveries are jobs of their own for each receiver,
//! written in that transaction too, so that a receiver that is down delays no other and loses nothing.

mod deliver;
mod rows;

pub use deliver::{Receiver, Undelivered};

use std::sync::Arc;

use schemas::audit::{Alert, AlertPage, AlertSeen, KeptAlert};
use schemas::{AlertId, JobId};
use storage::ids::FreshId;
use storage::{Clock, Reader, StoreError, Tx, TxError, Writer, jobs};
use time::OffsetDateTime;
use tokio::sync::Mutex;

use crate::detect::{Detector, Finding, Rules};
use crate::event::{Action, Event, EventDraft, Outcome};
use crate::index::{Index, Indexed, Opened};
use crate::ledger::{Ledger, append};
use crate::log::state::{only_store, signed};

/// Entries that are judged at a time.
const BATCH: u32 = 512;

/// Entries of the windows that are read at a time when a detector starts.
const RECALLED: u32 = 4096;

/// The alerts of a node. Cheap to clone.
#[derive(Clone)]
pub struct Alerts {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer,
    reader: Reader,
    ledger: Ledger,
    index: Index,
    clock: Arc<dyn Clock>,
    rules: Rules,
    /// The kinds of receivers that each alert goes to.
    receivers: Vec<&'static str>,
    detecting: Mutex<Option<Detecting>>,
}

/// A detector and the entry that it judges next.
struct Detecting {
    detector: Detector,
    next: u64,
}

/// Why an alert cannot be marked as seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSeen {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such alert.
    #[error("there is no such alert")]
    Nowhere,
    /// Somebody was faster.
    #[error("somebody has seen it before")]
    Before,
}

impl Alerts {
    /// Over the database of the log. `receivers`: the names under which alerts are queued for delivery.
    #[must_use]
    pub fn new(
        index: Index,
        writer: Writer,
        reader: Reader,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        rules: Rules,
        receivers: Vec<&'static str>,
    ) -> Self {
        let detecting = Mutex::new(None);
        Self { inner: Arc::new(Inner { writer, reader, ledger, index, clock, rules, receivers, detecting }) }
    }

    /// Judges the next entries that are indexed; answers whether there may be more.
    ///
    /// # Errors
    /// Failures of the database: the next round starts from what is kept.
    pub async fn round(&self) -> Result<bool, StoreError> {
        self.round_after(&[]).await
    }

    /// As [`Self::round`], where these were indexed just now: to read and open entries is most of what judging them costs. They are judged if they are
    /// the next.
    ///
    /// # Errors
    /// As [`Self::round`].
    pub async fn round_after(&self, indexed: &[Indexed]) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let mut detecting = inner.detecting.lock().await;
        // Taken out: whatever fails below, the next round starts anew.
        let place = inner.reader.read("alert_head", rows::next).await?;
        let mut now = match detecting.take() {
            Some(now) if now.next == place => now,
            _ => self.start(place).await?,
        };
        let (read, more);
        let entries = if indexed.first().is_some_and(|first| first.seq == now.next) {
            more = false;
            indexed
        } else {
            read = self.indexed(now.next).await?;
            more = read.len() == BATCH as usize;
            read.as_slice()
        };
        let Some(last) = entries.last().map(|entry| entry.seq) else {
            *detecting = Some(now);
            return Ok(false);
        };
        let found: Vec<Finding> = entries.iter().flat_map(|entry| now.detector.judge(entry)).collect();
        if self.keep(place, last + 1, &found).await? {
            now.next = last + 1;
            *detecting = Some(now);
        }
        Ok(more)
    }

    /// The next entries. Windows are found again by the index, so it goes first.
    async fn indexed(&self, next: u64) -> Result<Vec<Indexed>, StoreError> {
        let index = &self.inner.index;
        let (indexed, _) = index.progress().await?;
        if indexed <= next {
            return Ok(Vec::new());
        }
        Ok(index.rows(next, indexed, BATCH).await?.iter().map(Opened::indexed).collect())
    }

    /// A detector that knows what one would that had judged everything before `next`.
    async fn start(&self, next: u64) -> Result<Detecting, StoreError> {
        let inner = &self.inner;
        let mut detector = Detector::new(inner.rules.clone());
        let window = inner.rules.window();
        let read = move |tx: &mut Tx<'_>| -> Result<_, StoreError> {
            Ok((rows::raised(tx)?, rows::window_start(tx, next, window)?))
        };
        let (raised, mut first) = inner.reader.read("alert_start", read).await?;
        for (rule, subject, clock) in raised {
            detector.remember(rule, subject, clock);
        }
        while first < next {
            let entries = inner.index.rows(first, next, RECALLED).await?;
            let Some(last) = entries.last() else { break };
            first = last.seq + 1;
            entries.iter().for_each(|entry| detector.recall(&entry.indexed()));
        }
        Ok(Detecting { detector, next })
    }

    /// Writes what was found and moves on; false: another process has judged these.
    async fn keep(&self, from: u64, to: u64, found: &[Finding]) -> Result<bool, StoreError> {
        let (from, to) = (signed(from)?, signed(to)?);
        if found.is_empty() {
            // Nothing was done: only the place is written.
            let moved = self.inner.writer.run_tx("alert_head", move |tx| rows::advance(tx, from, to));
            return moved.await.map_err(only_store);
        }
        let raised = found.iter().map(|finding| self.raised(finding)).collect::<Result<Vec<_>, _>>()?;
        let receivers = self.inner.receivers.clone();
        let kept = self.inner.ledger.transact("raise_alerts", move |tx| {
            if !rows::advance(tx, from, to)? {
                return Err(Overtaken::Overtaken);
            }
            let mut appended = None;
            for Raised { alert, clock, event, deliveries } in &raised {
                rows::insert(tx, alert, *clock)?;
                for (receiver, job) in receivers.iter().zip(deliveries) {
                    jobs::enqueue(tx, *job, &deliver::kind(receiver), alert.alert_id.as_bytes(), event.at())?;
                }
                appended = Some(append(tx, event)?);
            }
            // There is one: something was found.
            appended.map(|appended| appended.with(())).ok_or(Overtaken::Overtaken)
        });
        match kept.await {
            Ok(()) => {
                metrics::counter!("vuzol_alerts_total").increment(u64::try_from(found.len()).unwrap_or(u64::MAX));
                Ok(true)
            }
            Err(TxError::Refused(Overtaken::Overtaken)) => Ok(false),
            Err(TxError::Refused(Overtaken::Store(error)) | TxError::Store(error)) => Err(error),
        }
    }

    fn raised(&self, finding: &Finding) -> Result<Raised, StoreError> {
        let now = self.inner.clock.now();
        let alert_id = AlertId::fresh(now);
        let details = serde_json::json!({
            "rule": finding.rule.as_str(), "about": finding.subject, "entries": finding.entries,
            "threshold": finding.threshold,
        });
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::RaiseAlert,
            actor: "node".to_owned(),
            object: Some(object(alert_id)),
            outcome: Outcome::Done,
            details,
        });
        let (text, text_uk) = finding.texts();
        let alert = Alert {
            alert_id,
            rule: finding.rule.as_str().to_owned(),
            subject: finding.subject.clone(),
            text,
            text_uk,
            threshold: finding.threshold,
            entries: finding.entries.clone(),
            caused_at: finding.caused_at,
            raised_at: event.at(),
        };
        let deliveries = self.inner.receivers.iter().map(|_| JobId::fresh(now)).collect();
        Ok(Raised { alert, clock: finding.clock, event, deliveries })
    }

    /// One page, the newest first; `all`: those too that somebody has seen. `by`: who reads, which is on record.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn list(
        &self,
        by: String,
        all: bool,
        before: Option<AlertId>,
        limit: u32,
    ) -> Result<AlertPage, StoreError> {
        let limit = limit.clamp(1, schemas::limits::PAGE_ITEMS);
        let read = move |tx: &mut Tx<'_>| rows::list(tx, all, before, limit.saturating_add(1));
        let mut alerts: Vec<KeptAlert> = self.inner.reader.read("alerts", read).await?;
        let more = alerts.len() > limit as usize;
        alerts.truncate(limit as usize);
        let next_before = alerts.last().filter(|_| more).map(|kept| kept.alert.alert_id);
        let details = serde_json::json!({ "alerts": alerts.len(), "all": all });
        let (action, outcome) = (Action::ReadAlerts, Outcome::Done);
        self.inner.ledger.record(EventDraft { action, actor: by, object: None, outcome, details }).await?;
        Ok(AlertPage { alerts, next_before })
    }

    /// Writes down who has seen an alert, and what they say of it. The remark may name people, so the log has its SHA-256 only.
    ///
    /// # Errors
    /// [`NotSeen`].
    pub async fn see(&self, alert: AlertId, by: String, remark: String) -> Result<KeptAlert, NotSeen> {
        let details = serde_json::json!({
            "remark_sha256": crypto::digest::hex(&crypto::digest::sha256(remark.as_bytes())),
        });
        let (action, object, outcome) = (Action::SeeAlert, Some(object(alert)), Outcome::Done);
        let event = self.inner.ledger.prepare(EventDraft { action, actor: by.clone(), object, outcome, details });
        let seen = AlertSeen { by, at: event.at(), remark };
        let kept = self.inner.ledger.transact("see_alert", move |tx| {
            let kept = rows::alert(tx, alert)?.ok_or(NotSeen::Nowhere)?;
            if kept.seen.is_some() {
                return Err(NotSeen::Before);
            }
            rows::see(tx, alert, &seen)?;
            Ok(append(tx, &event)?.with(KeptAlert { seen: Some(seen.clone()), ..kept }))
        });
        kept.await.map_err(|error| match error {
            TxError::Refused(error) => error,
            TxError::Store(error) => NotSeen::Store(error),
        })
    }
}

/// An alert and what goes with it into the transaction.
struct Raised {
    alert: Alert,
    clock: OffsetDateTime,
    event: Event,
    deliveries: Vec<JobId>,
}

enum Overtaken {
    Overtaken,
    Store(StoreError),
}

impl From<StoreError> for Overtaken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn object(alert: AlertId) -> String {
    format!("alert:{alert}")
}

#[cfg(test)]
mod tests;
