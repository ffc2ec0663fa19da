//! Writing what was planned, with an audit entry for each row, in one transaction.

use std::sync::Arc;

use audit::{Action, Appended, Event, EventDraft, Outcome};
use schemas::directory::ImportOutcome;
use schemas::{AssignmentId, Edrpou, ImportId, PersonId};
use storage::ids::FreshId;
use storage::{StoreError, Tx};

use super::plan::{Entrant, Plan};
use super::stated::Stated;
use super::{IMPORT, object};
use crate::decide::{ImportDirectory, Permit};
use crate::people::{NotDone, People, entrusting, registering, rows};
use crate::proposals::{self, Proposed};
use crate::registry::entering;

/// A plan that is to be carried out.
pub(super) struct Work {
    pub(super) stated: Arc<Stated>,
    pub(super) plan: Plan,
    pub(super) sha256: [u8; 32],
    pub(super) confirmed: Option<Proposed>,
}

/// What of an import can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entered {
    Participant(Edrpou),
    Person(PersonId),
    Assignment(AssignmentId),
}

/// The audit entries of an import.
struct Events {
    participants: Vec<Event>,
    resumed: Vec<Event>,
    people: Vec<Event>,
    roles: Vec<Event>,
    import: Event,
}

impl People {
    pub(super) async fn apply_import(
        &self,
        permit: &Permit<ImportDirectory>,
        work: Work,
    ) -> Result<ImportOutcome, NotDone> {
        let import = ImportId::fresh(self.inner.clock.now());
        let by = permit.actor().pseudonym();
        let events = self.events(&work, import, &by);
        let (outcome, check) = (work.plan.outcome(Some(import), None), self.key()?.check_value());
        let done = self.inner.ledger.transact(IMPORT, move |tx| {
            begin(tx, &work, &check)?;
            insert_import(tx, import, &work.sha256, &events.import, &by)?;
            Ok(write(tx, &work, &events, import, &by)?.with(()))
        });
        done.await?;
        Ok(outcome)
    }

    fn events(&self, work: &Work, import: ImportId, by: &str) -> Events {
        let Work { stated, plan, sha256, confirmed } = work;
        let prepare = |action, object: String, details| {
            let (actor, outcome) = (by.to_owned(), Outcome::Done);
            self.inner.ledger.prepare(EventDraft { action, actor, object: Some(object), outcome, details })
        };
        let participants = plan.participants.iter().filter_map(|place| stated.participants.get(*place));
        let participants = participants.map(|(_, participant)| {
            let mut details = participant.audit_details();
            details["import"] = serde_json::json!(import);
            prepare(Action::RegisterParticipant, format!("participant:{}", participant.edrpou()), details)
        });
        let resumed = plan.resumed.iter().map(|edrpou| {
            let details = serde_json::json!({ "import": import });
            prepare(Action::ResumeRecipient, format!("participant:{edrpou}"), details)
        });
        let people = plan.people.iter().map(|Entrant { id, newcomer, returning }| {
            let known_by = newcomer.digests.kinds();
            let details = serde_json::json!({ "known_by": known_by, "returning": returning, "import": import });
            prepare(Action::RegisterPerson, format!("person:{id}"), details)
        });
        let roles = plan.roles.iter().map(|new| {
            let draft = entrusting::granting(new, serde_json::json!({ "import": import }));
            self.inner.ledger.prepare(draft)
        });
        let (participants, resumed) = (participants.collect(), resumed.collect());
        let (people, roles) = (people.collect(), roles.collect());
        let proposal = confirmed.as_ref().map(|it| (it.id, it.shown().proposed_by));
        let details = serde_json::json!({
            "sha256": crypto::digest::hex(sha256),
            "participants": plan.participants.len(),
            "resumed": plan.resumed.len(),
            "people": plan.people.len(),
            "roles": plan.roles.len(),
            "proposal": proposal.as_ref().map(|(id, _)| id),
            "proposed_by": proposal.as_ref().map(|(_, by)| by),
        });
        let import = prepare(Action::ImportDirectory, object(import), details);
        Events { participants, resumed, people, roles, import }
    }
}

/// Nothing that the plan rests on has changed, and it is confirmed if it has to be.
fn begin(tx: &mut Tx<'_>, work: &Work, check: &[u8; 32]) -> Result<(), NotDone> {
    let Work { plan, confirmed, .. } = work;
    // Participants are never deleted: a plan that enters none does not rest on the registry's version.
    let current = rows::advance(tx, plan.directory_version)?
        && ((plan.participants.is_empty() && plan.resumed.is_empty()) || entering::advance(tx, plan.registry_version)?);
    let confirmed = match confirmed {
        Some(confirmed) if current => proposals::end(tx, confirmed)?,
        _ => true,
    };
    if !current || !confirmed {
        return Err(NotDone::Overtaken);
    }
    if !plan.people.is_empty() {
        registering::claim(tx, check)?;
    }
    Ok(())
}

/// Each row with its audit entry, and the import's own entry last.
fn write(tx: &mut Tx<'_>, work: &Work, events: &Events, import: ImportId, by: &str) -> Result<Appended, StoreError> {
    let Work { stated, plan, .. } = work;
    let mut number = 0;
    let mut remember = |tx: &mut Tx<'_>, entered| {
        number += 1;
        insert_entry(tx, import, number, entered)
    };
    let participants = plan.participants.iter().filter_map(|place| stated.participants.get(*place));
    for ((_, participant), event) in participants.zip(&events.participants) {
        participant.insert(tx, event.at())?;
        audit::append(tx, event)?;
        remember(tx, Entered::Participant(participant.edrpou()))?;
    }
    for (edrpou, event) in plan.resumed.iter().zip(&events.resumed) {
        entering::resume(tx, *edrpou)?;
        audit::append(tx, event)?;
        remember(tx, Entered::Participant(*edrpou))?;
    }
    for (Entrant { id, newcomer, returning }, event) in plan.people.iter().zip(&events.people) {
        if *returning {
            rows::reinstate_person(tx, *id, &newcomer.name, event.at(), by)?;
        } else {
            rows::insert_person(tx, *id, &newcomer.name, event.at(), by)?;
        }
        rows::add_digests(tx, *id, &newcomer.digests)?;
        audit::append(tx, event)?;
        remember(tx, Entered::Person(*id))?;
    }
    for (new, event) in plan.roles.iter().zip(&events.roles) {
        rows::insert_assignment(tx, new)?;
        audit::append(tx, event)?;
        remember(tx, Entered::Assignment(new.id))?;
    }
    audit::append(tx, &events.import)
}

fn insert_import(
    tx: &mut Tx<'_>,
    import: ImportId,
    sha256: &[u8; 32],
    event: &Event,
    by: &str,
) -> Result<(), StoreError> {
    let sql = "-- insert_import
        INSERT INTO directory_import (id, sha256, imported_at, imported_by) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, &[import.as_bytes().into(), sha256.into(), event.at().into(), by.into()]).map(drop)
}

fn insert_entry(tx: &mut Tx<'_>, import: ImportId, number: i64, entered: Entered) -> Result<(), StoreError> {
    let sql = "-- insert_import_entry
        INSERT INTO directory_import_entry (import_id, number, participant, person_id, assignment_id)
        VALUES ($1, $2, $3, $4, $5)";
    let (mut participant, mut person, mut assignment) = (None, None, None);
    match &entered {
        Entered::Participant(edrpou) => participant = Some(edrpou.as_str()),
        Entered::Person(id) => person = Some(id.as_bytes()),
        Entered::Assignment(id) => assignment = Some(id.as_bytes()),
    }
    let values = [import.as_bytes().into(), number.into(), participant.into(), person.into(), assignment.into()];
    tx.execute(sql, &values).map(drop)
}
