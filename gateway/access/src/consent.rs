//! The consent gate: what people keep at the node is seen where they applied, while their application is open, and every look is theirs to see.
//!
//! # The gate
//!
//! A centre's administrator sees a copy only if **all** of this holds: an application of the copy's owner was made at that centre; the copy is
//! attached to it; the application is open, or it is closed and its class of retention is not over; a purpose is stated. A copy that is
//! detached, and everything of an application that is withdrawn, is out of sight at once. The facts are read here and put to the policies
//! (`applicants.cedar`), which say no unless each of them holds; they are read again in the transaction that writes the look down, so that
//! no withdrawal is overtaken by a look that was permitted before it.
//!
//! # What is written
//!
//! A look is a row of `look`, which the owner reads and nobody can change, and an audit entry, in one transaction; the sealed bytes are read in
//! it too, so none leave without them. Entries name people, copies and applications by number only.
//!
//! What the gate keeps from everybody is seen by [`break_glass`] access only, for which there are other actions and other policies.
//!
//! What a copy says the node does not know: it keeps what the person's portal sealed. Copies cannot be erased while a centre may still see them.

pub mod break_glass;
mod file;
mod gate;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use audit::{Action, Event, EventDraft, Ledger, Outcome};
use schemas::application::{Application, ApplicationPage, ApplicationState, Closing, Look, StoredCopy};
use schemas::limits::{APPLICATIONS_OF_PERSON, PAGE_ITEMS};
use schemas::{ApplicationId, CopyId, LookId, PersonId, ProblemCode, RetentionClass, ServiceName};
use storage::ids::FreshId;
use storage::{Clock, StoreError, Tx, TxError};
use time::{Duration, OffsetDateTime};

use crate::actor::Actor;
use crate::decide::{
    self, ApplyForService, AttachCopy, CloseApplication, ListApplications, LookAtCopy, Permit, ReadApplication,
    WithdrawApplication,
};
use crate::purpose::StatedPurpose;
pub use gate::{ApplicationResource, AttachmentResource, CopyResource, LookResource};
pub(crate) use rows::LookFacts;

/// Days for which what was attached to a closed application is seen, by its class of retention; none: for ever.
pub type Terms = BTreeMap<RetentionClass, Option<u32>>;

/// Applications, copies, looks. Cheap to clone.
#[derive(Clone)]
pub struct Consent {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    terms: Arc<Terms>,
}

/// A copy with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCopy {
    /// What is known of it.
    pub copy: StoredCopy,
    /// What the owner's portal sealed.
    pub sealed: Vec<u8>,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsentError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state of the thing forbids it, or a bound is reached.
    #[error("{0}")]
    Refused(ProblemCode),
}

impl From<TxError<Self>> for ConsentError {
    fn from(error: TxError<Self>) -> Self {
        match error {
            TxError::Refused(error) => error,
            TxError::Store(error) => Self::Store(error),
        }
    }
}

impl Consent {
    /// Over the ledger's database.
    #[must_use]
    pub fn new(ledger: Ledger, clock: Arc<dyn Clock>, terms: Terms) -> Self {
        Self { ledger, clock, terms: Arc::new(terms) }
    }

    /// What a decision about an application needs; none: there is no such application.
    ///
    /// # Errors
    /// When the store fails; so for the other facts below.
    pub async fn application(&self, application: ApplicationId) -> Result<Option<ApplicationResource>, StoreError> {
        let found =
            self.ledger.reader().read("application_facts", move |tx| rows::application(tx, application)).await?;
        Ok(found.map(|found| ApplicationResource::of(&found)))
    }

    /// What a decision about attaching a copy, or detaching it, needs; none: one of the two is not there.
    ///
    /// # Errors
    /// As [`Self::application`].
    pub async fn attachment(
        &self,
        application: ApplicationId,
        copy: CopyId,
    ) -> Result<Option<AttachmentResource>, StoreError> {
        let found = self.ledger.reader().read("attachment_facts", move |tx| {
            let Some(application) = rows::application(tx, application)? else { return Ok(None) };
            let Some((owner, _)) = rows::copy(tx, copy)? else { return Ok(None) };
            Ok(Some(AttachmentResource { application: ApplicationResource::of(&application), copy, owner }))
        });
        found.await
    }

    /// What a decision about a look needs, as it is now; none: there is no such application or copy.
    ///
    /// # Errors
    /// As [`Self::application`].
    pub async fn facts_of_look(
        &self,
        application: ApplicationId,
        copy: CopyId,
        purpose: Option<StatedPurpose>,
    ) -> Result<Option<LookResource>, StoreError> {
        let found = self.ledger.reader().read("look_facts", move |tx| rows::look_facts(tx, application, copy)).await?;
        let now = self.clock.now();
        Ok(found.map(|found| self.judged(found, now, purpose)))
    }

    fn judged(&self, facts: LookFacts, now: OffsetDateTime, purpose: Option<StatedPurpose>) -> LookResource {
        let (open, kept) = (facts.state == ApplicationState::Open, self.is_kept(&facts.state, now));
        LookResource::new(facts, open, kept, purpose)
    }

    /// Whether the application is closed and what is attached to it still seen. A class that the configuration no longer has keeps nothing.
    fn is_kept(&self, state: &ApplicationState, now: OffsetDateTime) -> bool {
        let ApplicationState::Closed { at, retention } = state else { return false };
        match self.terms.get(retention) {
            Some(Some(days)) => at.checked_add(Duration::days(i64::from(*days))).is_none_or(|end| now < end),
            Some(None) => true,
            None => false,
        }
    }

    /// Applies for a service.
    ///
    /// # Errors
    /// `ApplicationsFull`; otherwise when the store fails.
    pub async fn apply(
        &self,
        permit: Permit<ApplyForService>,
        service: ServiceName,
    ) -> Result<Application, ConsentError> {
        let (applicant, centre) = (person(permit.actor())?, *permit.resource());
        let application_id = ApplicationId::fresh(self.clock.now());
        let details = serde_json::json!({ "centre": centre, "service": service });
        let event = self.event(&permit, Action::ApplyForService, Some(object(application_id)), details);
        let (applied_at, state, copies) = (event.at(), ApplicationState::Open, Vec::new());
        let new = Application { application_id, applicant, centre, service, applied_at, state, copies };
        let row = new.clone();
        let applied = self.ledger.transact("apply_for_service", move |tx| {
            if rows::open_applications(tx, applicant)? >= i64::from(APPLICATIONS_OF_PERSON) {
                return Err(ConsentError::Refused(ProblemCode::ApplicationsFull));
            }
            rows::insert_application(tx, &row)?;
            Ok(audit::append(tx, &event)?.with(()))
        });
        applied.await?;
        Ok(new)
    }

    /// Attaches a copy to an open application. One that is attached stays so.
    ///
    /// # Errors
    /// `ApplicationEnded`; `CopiesFull` where too many are attached; `NotFound` where the copy was erased meanwhile; otherwise when the store
    /// fails.
    pub async fn attach(&self, permit: Permit<AttachCopy>) -> Result<Application, ConsentError> {
        self.move_copy(permit, Action::AttachCopy).await
    }

    /// Detaches a copy from an open application: the centre sees it no more. One that is not attached stays so.
    ///
    /// # Errors
    /// As [`Self::attach`].
    pub async fn detach(&self, permit: Permit<AttachCopy>) -> Result<Application, ConsentError> {
        self.move_copy(permit, Action::DetachCopy).await
    }

    async fn move_copy(&self, permit: Permit<AttachCopy>, deed: Action) -> Result<Application, ConsentError> {
        let AttachmentResource { application, copy, .. } = permit.resource().clone();
        let details = serde_json::json!({ "copy": copy });
        let event = self.event(&permit, deed, Some(object(application.application)), details);
        let moved = self.ledger.transact("attach_copy", move |tx| {
            let open = open_application(tx, application.application)?;
            if deed == Action::DetachCopy {
                rows::detach(tx, open.application_id, copy, event.at())?;
            } else {
                if open.copies.len() >= APPLICATIONS_OF_PERSON as usize && !open.copies.contains(&copy) {
                    return Err(ConsentError::Refused(ProblemCode::CopiesFull));
                }
                rows::copy(tx, copy)?.ok_or(ConsentError::Refused(ProblemCode::NotFound))?;
                rows::attach(tx, open.application_id, copy, event.at())?;
            }
            let now = rows::application(tx, open.application_id)?.ok_or(StoreError::Corrupt("application"))?;
            Ok(audit::append(tx, &event)?.with(now))
        });
        Ok(moved.await?)
    }

    /// Withdraws an open application: the centre sees nothing of it any more.
    ///
    /// # Errors
    /// `ApplicationEnded`; otherwise when the store fails.
    pub async fn withdraw(&self, permit: Permit<WithdrawApplication>) -> Result<Application, ConsentError> {
        let application = permit.resource().application;
        let event =
            self.event(&permit, Action::WithdrawApplication, Some(object(application)), serde_json::Value::Null);
        let state = ApplicationState::Withdrawn { at: event.at() };
        self.end(application, state, event).await
    }

    /// Closes an open application. What is attached stays attached, and is seen as long as its class of retention says.
    ///
    /// # Errors
    /// `ApplicationEnded`; `UnknownRetentionClass`; otherwise when the store fails.
    pub async fn close(&self, permit: Permit<CloseApplication>, closing: Closing) -> Result<Application, ConsentError> {
        let (application, Closing { retention }) = (permit.resource().application, closing);
        if !self.terms.contains_key(&retention) {
            return Err(ConsentError::Refused(ProblemCode::UnknownRetentionClass));
        }
        let details = serde_json::json!({ "retention": retention });
        let event = self.event(&permit, Action::CloseApplication, Some(object(application)), details);
        let state = ApplicationState::Closed { at: event.at(), retention };
        self.end(application, state, event).await
    }

    async fn end(
        &self,
        application: ApplicationId,
        state: ApplicationState,
        event: Event,
    ) -> Result<Application, ConsentError> {
        let ended = self.ledger.transact("end_application", move |tx| {
            let open = open_application(tx, application)?;
            rows::end(tx, application, &state)?;
            Ok(audit::append(tx, &event)?.with(Application { state: state.clone(), ..open }))
        });
        Ok(ended.await?)
    }

    /// An application, with the numbers of what is attached to it. One that is withdrawn is there for its applicant alone.
    ///
    /// # Errors
    /// `NotFound` where it is out of sight; otherwise when the store fails.
    pub async fn read_application(&self, permit: Permit<ReadApplication>) -> Result<Application, ConsentError> {
        let application = permit.resource().application;
        let found = self.ledger.reader().read("read_application", move |tx| rows::application(tx, application)).await?;
        let found = found.ok_or(ConsentError::Refused(ProblemCode::NotFound))?;
        let own = matches!(permit.actor(), Actor::Person(person) if person.id == found.applicant);
        if !own && matches!(found.state, ApplicationState::Withdrawn { .. }) {
            return Err(ConsentError::Refused(ProblemCode::NotFound));
        }
        let details = serde_json::json!({ "applicant": found.applicant, "centre": found.centre });
        self.record(&permit, Action::ReadApplication, Some(object(application)), details).await?;
        Ok(found)
    }

    /// One page of the applications at a centre, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn applications(
        &self,
        permit: Permit<ListApplications>,
        after: Option<ApplicationId>,
        limit: u32,
    ) -> Result<ApplicationPage, ConsentError> {
        let (centre, limit) = (*permit.resource(), limit.clamp(1, PAGE_ITEMS));
        let read = move |tx: &mut Tx<'_>| rows::applications_at(tx, centre, after, limit.saturating_add(1));
        let mut applications = self.ledger.reader().read("applications_at", read).await?;
        let more = applications.len() > limit as usize;
        applications.truncate(limit as usize);
        let next_after = applications.last().filter(|_| more).map(|application| application.application_id);
        let applicants: BTreeSet<_> = applications.iter().map(|application| application.applicant).collect();
        let details = serde_json::json!({ "applications": applications.len(), "applicants": applicants });
        self.record(&permit, Action::ReadApplication, Some(format!("participant:{centre}")), details).await?;
        Ok(ApplicationPage { applications, next_after })
    }

    /// Looks at a copy. The look is written down, for its owner and in the log, in the transaction that reads the bytes.
    ///
    /// # Errors
    /// `NotFound` or `ApplicationEnded` where what the permit rests on is no longer so; otherwise when the store fails.
    pub async fn look(&self, permit: Permit<LookAtCopy>) -> Result<SealedCopy, ConsentError> {
        let looked = permit.resource().clone();
        let purpose = looked.purpose().cloned().ok_or(ConsentError::Refused(ProblemCode::PurposeMissing))?;
        let (copy, application) = (looked.copy(), looked.application());
        let details = serde_json::json!({
            "application": application, "centre": looked.centre(), "owner": looked.owner(),
            "purpose": purpose.name(), "legal_ground": purpose.legal_ground(),
        });
        let event = self.event(&permit, Action::LookAtCopy, Some(format!("copy:{copy}")), details);
        let look = Look {
            look_id: LookId::fresh(event.at()),
            looked_by: permit.actor().pseudonym(),
            acting_for: permit.actor().participant(),
            object: format!("copy:{copy}"),
            purpose: purpose.name().clone(),
            legal_ground: purpose.legal_ground().to_owned(),
            break_glass: None,
            at: event.at(),
        };
        let gate = self.clone();
        let seen = self.ledger.transact("look_at_copy", move |tx| {
            let facts = rows::look_facts(tx, application, copy)?.ok_or(ConsentError::Refused(ProblemCode::NotFound))?;
            let now = gate.judged(facts, event.at(), Some(purpose.clone()));
            if !now.is_attached() {
                return Err(ConsentError::Refused(ProblemCode::NotFound));
            }
            if !now.is_open() && !now.is_kept() {
                return Err(ConsentError::Refused(ProblemCode::ApplicationEnded));
            }
            let seen = rows::sealed(tx, copy)?.ok_or(ConsentError::Refused(ProblemCode::NotFound))?;
            rows::insert_look(tx, now.owner(), &look)?;
            Ok(audit::append(tx, &event)?.with(seen))
        });
        Ok(seen.await?)
    }

    /// Whether a centre sees what is attached to an application that stands so.
    fn is_visible(&self, state: &ApplicationState, now: OffsetDateTime) -> bool {
        *state == ApplicationState::Open || self.is_kept(state, now)
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

    async fn record<A: decide::Action>(
        &self,
        permit: &Permit<A>,
        action: Action,
        object: Option<String>,
        details: serde_json::Value,
    ) -> Result<(), StoreError> {
        let actor = permit.actor().pseudonym();
        let draft = EventDraft { action, actor, object, outcome: Outcome::Done, details };
        self.ledger.record(draft).await.map(drop)
    }
}

fn object(application: ApplicationId) -> String {
    format!("application:{application}")
}

/// The policies permit this to people only.
fn person(actor: &Actor) -> Result<PersonId, ConsentError> {
    match actor {
        Actor::Person(person) => Ok(person.id),
        Actor::Participant { .. } | Actor::Token { .. } | Actor::Peer { .. } | Actor::Operator { .. } => {
            Err(ConsentError::Refused(ProblemCode::ActionForbidden))
        }
    }
}

/// The application, if it has not ended.
fn open_application(tx: &mut Tx<'_>, application: ApplicationId) -> Result<Application, ConsentError> {
    let found = rows::application(tx, application)?.ok_or(ConsentError::Refused(ProblemCode::NotFound))?;
    match found.state {
        ApplicationState::Open => Ok(found),
        ApplicationState::Withdrawn { .. } | ApplicationState::Closed { .. } => {
            Err(ConsentError::Refused(ProblemCode::ApplicationEnded))
        }
    }
}

#[cfg(test)]
mod tests;
