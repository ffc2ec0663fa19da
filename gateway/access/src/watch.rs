//! What those who watch over the node do with its log: search it, take parts of it away, answer alerts.
//!
//! Each search is on record before its answer leaves, with what was searched for: in the node's names, never in the numbers of people's documents, which
//! come in the body of a request and go no further than to the name that they lead to. It counts as a look at the person whom it was about.

use std::sync::Arc;

use audit::archive::{Export, RangeWrong};
use audit::index::{Filter, Opened};
use audit::log::LogFailure;
use audit::{Action, Alerts, EventDraft, Index, Ledger, Log, Outcome};
use crypto::digest::hex;
use schemas::audit::{
    AlertPage, AlertRemark, AuditExport, AuditFilter, AuditHit, AuditPage, AuditSearch, Covered, KeptAlert,
    OpenedDetails, SoughtAs, SoughtPerson,
};
use schemas::limits::{ALERT_REMARK, AUDIT_HITS};
use schemas::{AlertId, PersonId, ProblemCode};
use storage::StoreError;

use crate::decide::{ExportAudit, Permit, ReadAlerts, SearchAudit, SeeAlert};
use crate::people::{DirectoryError, People, PersonalNumbers};

/// The log as those who watch use it. Cheap to clone.
#[derive(Clone)]
pub struct Watch {
    inner: Arc<Inner>,
}

struct Inner {
    ledger: Ledger,
    log: Log,
    index: Index,
    alerts: Alerts,
    people: People,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogFailure),
    /// What was asked cannot be.
    #[error("{code}: {detail}")]
    Refused {
        /// What they are told.
        code: ProblemCode,
        /// What exactly is wrong; no number of a person.
        detail: String,
    },
}

impl WatchError {
    pub(crate) fn refused(code: ProblemCode, detail: impl std::fmt::Display) -> Self {
        Self::Refused { code, detail: detail.to_string() }
    }
}

impl Watch {
    /// Over the log, its index and the directory of people.
    #[must_use]
    pub fn new(ledger: Ledger, log: Log, index: Index, alerts: Alerts, people: People) -> Self {
        Self { inner: Arc::new(Inner { ledger, log, index, alerts, people }) }
    }

    /// One page of a search. On record before it is answered.
    ///
    /// # Errors
    /// `AuditFilterWrong`; `PersonNumberWrong`, `PeopleNotKept`, and `NotFound` where the numbers lead to nobody; `NotYetInLog` before the first
    /// checkpoint; otherwise when the store or the log fails.
    pub async fn search(&self, permit: Permit<SearchAudit>, search: AuditSearch) -> Result<AuditPage, WatchError> {
        let wrong = |detail: &dyn std::fmt::Display| WatchError::refused(ProblemCode::AuditFilterWrong, detail);
        let AuditSearch { mut filter, sought, sought_as, first, end, limit } = search;
        let limit = limit.unwrap_or(AUDIT_HITS);
        if !(1..=AUDIT_HITS).contains(&limit) {
            return Err(wrong(&format!("limit: 1 to {AUDIT_HITS}")));
        }
        let (first, end) = (first.unwrap_or(0), end.unwrap_or(LAST));
        if first > end || end > LAST {
            return Err(wrong(&"first is after end, or end beyond any log"));
        }
        if let Some(sought) = &sought {
            self.name(&mut filter, sought, sought_as).await?;
        }
        let matching = Filter::of(&filter).map_err(|unfit| wrong(&unfit))?;
        let published = self.inner.log.published().await?.ok_or_else(not_yet)?;
        let found = self.inner.index.search(&matching, first.min(published.0), end.min(published.0), limit).await?;
        let rows = self.inner.index.opened(found.hits).await?;
        let entries: Vec<_> = rows.iter().map(|row| (row.seq, row.entry.clone())).collect();
        let (checkpoint, proofs) = self.inner.log.prove(&entries).await?.ok_or_else(not_yet)?;
        let hits: Vec<_> = rows.iter().zip(proofs).map(|(row, proof)| hit(row, proof.to_text())).collect();
        let covered = Covered { first: found.first, end: found.end };
        let details = serde_json::json!({
            "filter": filter, "covered": covered, "hits": hits.len(),
            "person": [filter.person, filter.looked_at],
        });
        self.record(permit.actor().pseudonym(), Action::SearchAudit, details).await?;
        Ok(AuditPage { filter, covered, hits, next: found.next, checkpoint })
    }

    /// Puts who is sought by their numbers into the filter.
    async fn name(&self, filter: &mut AuditFilter, sought: &SoughtPerson, place: SoughtAs) -> Result<(), WatchError> {
        let numbers = PersonalNumbers::checked(sought.rnokpp.as_deref(), sought.unzr.as_deref());
        let numbers = numbers.map_err(|wrong| WatchError::refused(ProblemCode::PersonNumberWrong, wrong))?;
        let person = self.inner.people.sought(&numbers).await.map_err(|error| match error {
            DirectoryError::Store(error) => WatchError::Store(error),
            DirectoryError::Invalid { code, detail } => WatchError::Refused { code, detail },
        })?;
        let person = person.ok_or_else(|| WatchError::refused(ProblemCode::NotFound, "the numbers lead to nobody"))?;
        let twice = || WatchError::refused(ProblemCode::AuditFilterWrong, "a person is stated twice");
        let put = |field: &mut Option<PersonId>| field.replace(person).map_or(Ok(()), |_| Err(twice()));
        match place {
            SoughtAs::LookedAt => put(&mut filter.looked_at),
            SoughtAs::Person => put(&mut filter.person),
            SoughtAs::Actor => filter.actor.replace(format!("person:{person}")).map_or(Ok(()), |_| Err(twice())),
        }
    }

    /// A part of the log, to be taken away. On record before its first octet leaves.
    ///
    /// # Errors
    /// `AuditRangeWrong`; otherwise when the store or the log fails.
    pub async fn export(&self, permit: Permit<ExportAudit>, asked: AuditExport) -> Result<Export, WatchError> {
        let begun = Export::begin(&self.inner.log, &self.inner.index, asked).await?;
        let wrong = |error: RangeWrong| WatchError::refused(ProblemCode::AuditRangeWrong, error);
        let export = begun.map_err(wrong)?;
        let manifest = export.manifest();
        let details = serde_json::json!({
            "first": manifest.first, "end": manifest.end, "size": manifest.size, "details": manifest.details,
        });
        self.record(permit.actor().pseudonym(), Action::ExportAudit, details).await?;
        Ok(export)
    }

    /// One page of alerts, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn alerts(
        &self,
        permit: Permit<ReadAlerts>,
        all: bool,
        before: Option<AlertId>,
        limit: u32,
    ) -> Result<AlertPage, WatchError> {
        Ok(self.inner.alerts.list(permit.actor().pseudonym(), all, before, limit).await?)
    }

    /// States that an alert was seen.
    ///
    /// # Errors
    /// `AlertRemarkWrong`; `NotFound`; `AlertSeenBefore`; otherwise when the store fails.
    pub async fn see(
        &self,
        permit: Permit<SeeAlert>,
        alert: AlertId,
        remark: AlertRemark,
    ) -> Result<KeptAlert, WatchError> {
        let AlertRemark { remark } = remark;
        let plain = remark.chars().all(|c| c == '\n' || !c.is_control());
        let said =
            ALERT_REMARK.contains(&remark.trim().chars().count()) && ALERT_REMARK.contains(&remark.chars().count());
        if !(plain && said) {
            return Err(WatchError::refused(ProblemCode::AlertRemarkWrong, "remark"));
        }
        let seen = self.inner.alerts.see(alert, permit.actor().pseudonym(), remark).await;
        seen.map_err(|error| match error {
            audit::alert::NotSeen::Store(error) => WatchError::Store(error),
            audit::alert::NotSeen::Nowhere => WatchError::refused(ProblemCode::NotFound, error),
            audit::alert::NotSeen::Before => WatchError::refused(ProblemCode::AlertSeenBefore, error),
        })
    }

    async fn record(&self, actor: String, action: Action, details: serde_json::Value) -> Result<(), StoreError> {
        let draft = EventDraft { action, actor, object: None, outcome: Outcome::Done, details };
        self.inner.ledger.record(draft).await.map(drop)
    }
}

/// Beyond any log.
const LAST: u64 = 1 << 62;

fn not_yet() -> WatchError {
    WatchError::refused(ProblemCode::NotYetInLog, "no checkpoint is published yet")
}

fn hit(row: &Opened, proof: String) -> AuditHit {
    let opened = row.details.as_ref();
    let opened = opened.map(|(salt, details)| OpenedDetails { salt: hex(salt), details: details.clone() });
    let entry = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &row.entry);
    AuditHit { seq: row.seq, event: row.event, entry, proof, opened, erased: row.is_erased() }
}
