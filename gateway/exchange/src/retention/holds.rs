//! Legal holds: what is under one is not erased.
//!
//! A hold is placed on a message that was accepted and is not erased, or on a case, where it is of messages that come later too. That is
//! decided in the transaction that writes it, as an erasure is decided in its own: whichever is first, the other knows. Several holds may be
//! of one thing, since two courts may want it: each is lifted by itself, and none is ever deleted.

use access::Permit;
use access::decide::{ReadRetention, SetHold};
use audit::{Action, EventDraft, Outcome};
use schemas::limits::PAGE_ITEMS;
use schemas::retention::{Hold, HoldPage, HoldRelease, HoldRequest, HoldSubject, Lifted, check_reason};
use schemas::{HoldId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, Tx};

use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::tables::{self, HoldFound};

/// Why a hold was not placed or lifted.
enum NotDone {
    /// There is nothing to be held any more, or the hold was lifted.
    Refused(ProblemCode),
    Store(StoreError),
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NotDone> for Refusal {
    fn from(error: NotDone) -> Self {
        match error {
            NotDone::Refused(code) => code.into(),
            NotDone::Store(error) => error.into(),
        }
    }
}

fn checked(reason: &str) -> Result<(), Refusal> {
    check_reason(reason).map_err(|error| Refusal::with_detail(ProblemCode::MalformedJson, error.to_string()))
}

/// The first of these objects of audited events (`message:<id>`, `case:<id>`, others are passed over) that is under a legal hold, by itself or by its case.
///
/// # Errors
/// When the database fails.
pub fn held_among(tx: &mut Tx<'_>, objects: &[String]) -> Result<Option<String>, StoreError> {
    let message = "-- held_among
        SELECT 1 FROM legal_hold h WHERE h.lifted_at IS NULL
            AND (h.message_id = $1 OR h.case_id = (SELECT case_id FROM message WHERE id = $1)) LIMIT 1";
    let case = "-- held_among
        SELECT 1 FROM legal_hold h WHERE h.lifted_at IS NULL AND h.case_id = $1 LIMIT 1";
    for object in objects {
        let id = |prefix: &str| object.strip_prefix(prefix);
        let (sql, id) = match (id("message:"), id("case:")) {
            (Some(id), _) => (message, id.parse::<schemas::MessageId>().ok().map(|id| *id.as_bytes())),
            (_, Some(id)) => (case, id.parse::<schemas::CaseId>().ok().map(|id| *id.as_bytes())),
            _ => continue,
        };
        let Some(id) = id else { continue };
        if tx.query_optional(sql, &[(&id).into()], |row| row.integer(0))?.is_some() {
            return Ok(Some(object.clone()));
        }
    }
    Ok(None)
}

impl Exchange {
    /// Forbids that a message or a case is erased.
    ///
    /// # Errors
    /// `MalformedJson` for a reason that is none; `NotFound`; `NothingToHold` for a message that was not accepted, or is erased; otherwise
    /// when the store fails.
    pub async fn place_hold(&self, permit: Permit<SetHold>, request: HoldRequest) -> Result<Hold, Refusal> {
        checked(&request.reason)?;
        let HoldRequest { subject, reason } = request;
        let hold_id = HoldId::fresh(self.inner.clock.now());
        let details = serde_json::json!({ "hold": hold_id, "reason": &reason });
        let event = self.hold_event(&permit, Action::PlaceHold, subject, details);
        let placed_by = permit.actor().pseudonym();
        let hold = Hold { hold_id, subject, reason, placed_by, placed_at: event.at(), lifted: None };
        let new = hold.clone();
        let placed = self.inner.ledger.transact("place_hold", move |tx| match tables::insert_hold(tx, &new)? {
            HoldFound::Kept => Ok(audit::append(tx, &event)?.with(())),
            HoldFound::Nothing => Err(NotDone::Refused(ProblemCode::NothingToHold)),
            HoldFound::Unknown => Err(NotDone::Refused(ProblemCode::NotFound)),
        });
        placed.await?;
        Ok(hold)
    }

    /// Lifts one hold. Others of the same thing stay.
    ///
    /// # Errors
    /// `MalformedJson`, `NotFound`, `HoldLifted`; otherwise when the store fails.
    pub async fn lift_hold(
        &self,
        permit: Permit<SetHold>,
        hold: HoldId,
        release: HoldRelease,
    ) -> Result<Hold, Refusal> {
        checked(&release.reason)?;
        let found = self.inner.ledger.reader().read("read_hold", move |tx| tables::hold(tx, hold)).await?;
        let found = found.ok_or(ProblemCode::NotFound)?;
        let details = serde_json::json!({ "hold": hold, "reason": &release.reason });
        let event = self.hold_event(&permit, Action::LiftHold, found.subject, details);
        let lifted = Lifted { reason: release.reason, by: permit.actor().pseudonym(), at: event.at() };
        let end = lifted.clone();
        let done = self.inner.ledger.transact("lift_hold", move |tx| {
            if !tables::lift_hold(tx, hold, &end)? {
                return Err(NotDone::Refused(ProblemCode::HoldLifted));
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        done.await?;
        Ok(Hold { lifted: Some(lifted), ..found })
    }

    /// One page of the holds, oldest first: those in force, or with `lifted` all that there ever were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holds(
        &self,
        permit: Permit<ReadRetention>,
        lifted: bool,
        after: Option<HoldId>,
        limit: u32,
    ) -> Result<HoldPage, Refusal> {
        let limit = limit.clamp(1, PAGE_ITEMS);
        let reader = self.inner.ledger.reader();
        let mut holds = reader.read("holds", move |tx| tables::holds(tx, lifted, after, limit + 1)).await?;
        let page = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = holds.len() > page;
        holds.truncate(page);
        let next_after = holds.last().filter(|_| more).map(|hold| hold.hold_id);
        let details = serde_json::json!({ "what": "holds", "holds": holds.len() });
        self.record_read(Action::ReadRetention, permit.actor().pseudonym(), None, details).await?;
        Ok(HoldPage { holds, next_after })
    }

    fn hold_event(
        &self,
        permit: &Permit<SetHold>,
        action: Action,
        subject: HoldSubject,
        details: serde_json::Value,
    ) -> audit::Event {
        let (actor, object) = (permit.actor().pseudonym(), Some(subject.to_string()));
        self.inner.ledger.prepare(EventDraft { action, actor, object, outcome: Outcome::Done, details })
    }
}
