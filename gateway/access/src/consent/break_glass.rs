//! Break-glass access: what the consent gate keeps from everybody is seen for a short time by one person, who says why and answers for it.
//!
//! # What it is
//!
//! A head of a service centre, or a security officer, opens one application or the copies of one person, with a ground of a closed list, a
//! reason in words and a fresh signature. Nobody opens their own matter, and no node operator any. It serves who opened it alone, to look and
//! for nothing else, until its time is over, or they or a security officer end it. One person has one open at a time, so that a signature that
//! serves for five minutes opens no second one beside it; and who has too many that nobody reviewed opens no more.
//!
//! # Who learns of it
//!
//! The person whose data it is: opening it, listing what it opens and each look are rows of `look` that name the access, in the transaction of the
//! deed. The centre: its heads list the accesses to its applications. Security officers and auditors: each stands in their list until a
//! security officer who did not open it, and whose data it is not, has reviewed it.
//!
//! Facts are read here for the decision, and again in the transaction that reads the bytes: an access that ended meanwhile shows nothing. What was
//! stated as the reason may name people, so the log has its SHA-256 only.

mod facts;
mod rows;

use std::sync::Arc;

use audit::{Action, Event, EventDraft, Ledger, Outcome};
use crypto::digest::{hex, sha256};
use schemas::application::Look;
use schemas::break_glass::{
    BreakGlass, BreakGlassPage, BreakGlassRequest, BrokenGlass, Ground, OpenedCopies, Review, ReviewRequest,
};
use schemas::limits::{BREAK_GLASS_MINUTES, BREAK_GLASS_REASON, BREAK_GLASS_UNREVIEWED, COPIES_OF_PERSON, PAGE_ITEMS};
use schemas::{BreakGlassId, CopyId, LookId, ProblemCode};
use storage::ids::FreshId;
use storage::{Clock, StoreError, Tx};
use time::{Duration, OffsetDateTime};

use super::{ConsentError, SealedCopy, person, rows as consent_rows};
use crate::actor::Actor;
use crate::decide::{self, EndBreakGlass, LookThroughGlass, OpenBreakGlass, Permit, ReadBreakGlass, ReviewBreakGlass};
pub use facts::{GlassResource, OpeningResource};

/// Break-glass accesses. Cheap to clone.
#[derive(Clone)]
pub struct BreakGlasses {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    longest: u16,
}

impl BreakGlasses {
    /// Over the ledger's database. `longest`: minutes for which one can be opened, at most [`BREAK_GLASS_MINUTES`].
    #[must_use]
    pub fn new(ledger: Ledger, clock: Arc<dyn Clock>, longest: u16) -> Self {
        Self { ledger, clock, longest: longest.clamp(1, BREAK_GLASS_MINUTES) }
    }

    /// What a decision about opening this needs; none: there is no such application or person.
    ///
    /// # Errors
    /// When the store fails; so for [`Self::access`].
    pub async fn opening(&self, opens: BrokenGlass) -> Result<Option<OpeningResource>, StoreError> {
        self.ledger.reader().read("break_glass_opening", move |tx| rows::opening(tx, opens)).await
    }

    /// What a decision about an access needs, as it is now; none: there is no such access. `copy`: one that is to be looked at under it.
    ///
    /// # Errors
    /// As [`Self::opening`].
    pub async fn access(&self, id: BreakGlassId, copy: Option<CopyId>) -> Result<Option<GlassResource>, StoreError> {
        let now = self.clock.now();
        self.ledger.reader().read("break_glass_facts", move |tx| facts_at(tx, id, copy, now)).await
    }

    /// Opens it.
    ///
    /// # Errors
    /// `BreakGlassReason`; `BreakGlassOpen`; `BreakGlassUnreviewed`; otherwise when the store fails.
    pub async fn open(
        &self,
        permit: Permit<OpenBreakGlass>,
        request: BreakGlassRequest,
    ) -> Result<BreakGlass, ConsentError> {
        let BreakGlassRequest { opens, ground, reason, minutes } = request;
        let opened_by = person(permit.actor())?;
        let minutes = minutes.unwrap_or(self.longest);
        if opens != permit.resource().opens || !says_something(&reason) || !(1..=self.longest).contains(&minutes) {
            return Err(ConsentError::Refused(ProblemCode::BreakGlassReason));
        }
        let id = BreakGlassId::fresh(self.clock.now());
        let (subject, centre) = (permit.resource().subject, permit.resource().told(permit.actor()));
        let details = serde_json::json!({
            "opens": opens, "subject": subject, "centre": centre, "minutes": minutes,
            "ground": ground, "purpose": ground.purpose(),
            "reason_sha256": hex(&sha256(reason.as_bytes())),
        });
        let event = self.event(&permit, Action::OpenBreakGlass, Some(object(id)), details);
        let (opened_at, ends_at) = (event.at(), event.at() + Duration::minutes(minutes.into()));
        let (ended_at, review, looks) = (None, None, 0);
        let access = BreakGlass {
            break_glass_id: id,
            opens,
            subject,
            centre,
            opened_by,
            ground,
            reason,
            opened_at,
            ends_at,
            ended_at,
            looks,
            review,
        };
        let (row, told) = (access.clone(), look_at(permit.actor(), &event, object(id), (id, ground))?);
        let opened = self.ledger.transact("open_break_glass", move |tx| {
            if rows::open_of(tx, opened_by, event.at())? > 0 {
                return Err(ConsentError::Refused(ProblemCode::BreakGlassOpen));
            }
            if rows::unreviewed_of(tx, opened_by)? >= i64::from(BREAK_GLASS_UNREVIEWED) {
                return Err(ConsentError::Refused(ProblemCode::BreakGlassUnreviewed));
            }
            rows::insert(tx, &row)?;
            consent_rows::insert_look(tx, subject, &told)?;
            Ok(audit::append(tx, &event)?.with(()))
        });
        opened.await?;
        Ok(access)
    }

    /// Ends it before its time.
    ///
    /// # Errors
    /// `BreakGlassOver` where it is over already; otherwise when the store fails.
    pub async fn end(&self, permit: Permit<EndBreakGlass>) -> Result<BreakGlass, ConsentError> {
        let id = permit.resource().id;
        let event = self.event(&permit, Action::EndBreakGlass, Some(object(id)), serde_json::Value::Null);
        let by = permit.actor().pseudonym();
        let ended = self.ledger.transact("end_break_glass", move |tx| {
            let access = there(tx, id)?;
            if !is_open(&access, event.at()) {
                return Err(ConsentError::Refused(ProblemCode::BreakGlassOver));
            }
            rows::end(tx, id, event.at(), &by)?;
            let access = BreakGlass { ended_at: Some(event.at()), ..access };
            Ok(audit::append(tx, &event)?.with(access))
        });
        Ok(ended.await?)
    }

    /// States whether it was right to open it.
    ///
    /// # Errors
    /// `BreakGlassReason` for a note that says nothing; `BreakGlassNotOver`; `BreakGlassReviewed`; otherwise when the store fails.
    pub async fn review(
        &self,
        permit: Permit<ReviewBreakGlass>,
        request: ReviewRequest,
    ) -> Result<BreakGlass, ConsentError> {
        let ReviewRequest { finding, note } = request;
        if !says_something(&note) {
            return Err(ConsentError::Refused(ProblemCode::BreakGlassReason));
        }
        let id = permit.resource().id;
        let details = serde_json::json!({ "finding": finding, "note_sha256": hex(&sha256(note.as_bytes())) });
        let event = self.event(&permit, Action::ReviewBreakGlass, Some(object(id)), details);
        let review = Review { reviewed_by: permit.actor().pseudonym(), reviewed_at: event.at(), finding, note };
        let reviewed = self.ledger.transact("review_break_glass", move |tx| {
            let access = there(tx, id)?;
            if is_open(&access, event.at()) {
                return Err(ConsentError::Refused(ProblemCode::BreakGlassNotOver));
            }
            if access.review.is_some() {
                return Err(ConsentError::Refused(ProblemCode::BreakGlassReviewed));
            }
            rows::review(tx, id, &review)?;
            let access = BreakGlass { review: Some(review.clone()), ..access };
            Ok(audit::append(tx, &event)?.with(access))
        });
        Ok(reviewed.await?)
    }

    /// One page of the accesses of the node, or of those that are told to a centre, the newest first; `all`: those that were reviewed too.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        permit: Permit<ReadBreakGlass>,
        all: bool,
        before: Option<BreakGlassId>,
        limit: u32,
    ) -> Result<BreakGlassPage, ConsentError> {
        let (centre, limit) = (*permit.resource(), limit.clamp(1, PAGE_ITEMS));
        let read = move |tx: &mut Tx<'_>| rows::list(tx, centre, all, before, limit.saturating_add(1));
        let mut accesses = self.ledger.reader().read("break_glasses", read).await?;
        let more = accesses.len() > limit as usize;
        accesses.truncate(limit as usize);
        let next_before = accesses.last().filter(|_| more).map(|access| access.break_glass_id);
        let details = serde_json::json!({ "accesses": accesses.len(), "all": all });
        let of = centre.map(|centre| format!("participant:{centre}"));
        let (actor, outcome) = (permit.actor().pseudonym(), Outcome::Done);
        let draft = EventDraft { action: Action::ReadBreakGlass, actor, object: of, outcome, details };
        self.ledger.record(draft).await?;
        Ok(BreakGlassPage { accesses, next_before })
    }

    /// Which copies it opens. That is a look too, and its subject is shown it.
    ///
    /// # Errors
    /// `BreakGlassOver` where it ended since it was permitted; otherwise when the store fails.
    pub async fn copies(&self, permit: Permit<LookThroughGlass>) -> Result<OpenedCopies, ConsentError> {
        let id = permit.resource().id;
        let GlassResource { subject, application, ground, .. } = permit.resource();
        let details = serde_json::json!({
            "subject": subject, "application": application, "ground": ground, "purpose": ground.purpose(),
        });
        let event = self.event(&permit, Action::ListOpenedCopies, Some(object(id)), details);
        let actor = permit.actor().clone();
        let seen = self.ledger.transact("list_opened_copies", move |tx| {
            let access = still_open(tx, id, &actor, event.at())?;
            let copies = rows::copies(tx, &access.opens, access.subject, COPIES_OF_PERSON)?;
            let look = look_at(&actor, &event, object(id), (id, access.ground))?;
            consent_rows::insert_look(tx, access.subject, &look)?;
            Ok(audit::append(tx, &event)?.with(OpenedCopies { copies }))
        });
        Ok(seen.await?)
    }

    /// Looks at a copy under it. The look is written down, for the copy's owner and in the log, in the transaction that reads the bytes.
    ///
    /// # Errors
    /// `NotFound` or `BreakGlassOver` where what the permit rests on is no longer so; otherwise when the store fails.
    pub async fn look(&self, permit: Permit<LookThroughGlass>) -> Result<SealedCopy, ConsentError> {
        let GlassResource { id, subject, copy, application, ground, .. } = permit.resource().clone();
        let copy = copy.ok_or(ConsentError::Refused(ProblemCode::NotFound))?;
        let details = serde_json::json!({
            "break_glass": id, "owner": subject, "application": application,
            "ground": ground, "purpose": ground.purpose(),
        });
        let event = self.event(&permit, Action::LookThroughGlass, Some(format!("copy:{copy}")), details);
        let actor = permit.actor().clone();
        let seen = self.ledger.transact("look_through_glass", move |tx| {
            let access = still_open(tx, id, &actor, event.at())?;
            if !rows::covers(tx, &access.opens, access.subject, copy)? {
                return Err(ConsentError::Refused(ProblemCode::NotFound));
            }
            let seen = consent_rows::sealed(tx, copy)?.ok_or(ConsentError::Refused(ProblemCode::NotFound))?;
            let look = look_at(&actor, &event, format!("copy:{copy}"), (id, access.ground))?;
            consent_rows::insert_look(tx, access.subject, &look)?;
            Ok(audit::append(tx, &event)?.with(seen))
        });
        Ok(seen.await?)
    }

    fn event<A: decide::Action>(
        &self,
        permit: &Permit<A>,
        action: Action,
        object: Option<String>,
        details: serde_json::Value,
    ) -> Event {
        let actor = permit.actor().pseudonym();
        self.ledger.prepare(EventDraft { action, actor, object, outcome: Outcome::Done, details })
    }
}

fn object(id: BreakGlassId) -> String {
    format!("break_glass:{id}")
}

/// Neither ended nor over by itself. A clock that went back opens nothing that was not open yet.
fn is_open(access: &BreakGlass, now: OffsetDateTime) -> bool {
    access.ended_at.is_none() && (access.opened_at..access.ends_at).contains(&now)
}

fn there(tx: &mut Tx<'_>, id: BreakGlassId) -> Result<BreakGlass, ConsentError> {
    rows::access(tx, id)?.ok_or(ConsentError::Refused(ProblemCode::NotFound))
}

/// The access, if it is open and the actor's: asked again where something is seen.
fn still_open(
    tx: &mut Tx<'_>,
    id: BreakGlassId,
    actor: &Actor,
    now: OffsetDateTime,
) -> Result<BreakGlass, ConsentError> {
    let access = there(tx, id)?;
    if access.opened_by != person(actor)? {
        return Err(ConsentError::Refused(ProblemCode::NotFound));
    }
    is_open(&access, now).then_some(access).ok_or(ConsentError::Refused(ProblemCode::BreakGlassOver))
}

fn facts_at(
    tx: &mut Tx<'_>,
    id: BreakGlassId,
    copy: Option<CopyId>,
    now: OffsetDateTime,
) -> Result<Option<GlassResource>, StoreError> {
    let Some(access) = rows::access(tx, id)? else { return Ok(None) };
    let covers = match copy {
        Some(copy) => rows::covers(tx, &access.opens, access.subject, copy)?,
        None => true,
    };
    let (open, opened_by, subject, centre) = (is_open(&access, now), access.opened_by, access.subject, access.centre);
    let application = match access.opens {
        BrokenGlass::Application { application } => Some(application),
        BrokenGlass::Person { .. } => None,
    };
    let ground = access.ground;
    Ok(Some(GlassResource { id, opened_by, subject, centre, copy, application, ground, open, covers }))
}

/// As the subject is shown it.
fn look_at(
    actor: &Actor,
    event: &Event,
    object: String,
    (id, ground): (BreakGlassId, Ground),
) -> Result<Look, StoreError> {
    Ok(Look {
        look_id: LookId::fresh(event.at()),
        looked_by: actor.pseudonym(),
        acting_for: actor.participant(),
        object,
        purpose: ground.purpose().parse().map_err(|_| StoreError::Corrupt("break_glass.ground"))?,
        legal_ground: ground.legal_ground().to_owned(),
        break_glass: Some(id),
        at: event.at(),
    })
}

/// Within its bounds, beside what is blank around it, and a text: lines, but no other control characters.
fn says_something(text: &str) -> bool {
    let length = text.chars().count();
    let said = text.trim().chars().count();
    let plain = text.chars().all(|c| c == '\n' || !c.is_control());
    plain && said >= *BREAK_GLASS_REASON.start() && length <= *BREAK_GLASS_REASON.end()
}

#[cfg(test)]
mod tests;
