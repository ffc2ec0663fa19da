//! Taking back what an import entered: a deed that compensates it, and not its erasure, since the log names all of it.
//!
//! What it suspends, a later import of the same participant lifts again (`plan`).
//!
//! Roles that still hold are taken back; people are removed unless they have a role from elsewhere; participants are suspended unless
//! more was stated of them, or somebody has a role within them from elsewhere. What stays is told.

use std::collections::HashSet;

use audit::{Action, Event, EventDraft, Outcome};
use schemas::directory::ImportUndone;
use schemas::{AssignmentId, Edrpou, ImportId, PersonId, ProblemCode};
use storage::{Row, StoreError, Tx};

use super::apply::Entered;
use super::object;
use crate::decide::{ImportDirectory, Permit};
use crate::people::rows::{self, Assignment};
use crate::people::{DirectoryError, NotDone, People, entrusting, retried};
use crate::registry::{Registry, entering};

/// What is to be taken back, and what stays.
#[derive(Default)]
struct Plan {
    directory_version: i64,
    registry_version: i64,
    roles: Vec<Assignment>,
    people: Vec<PersonId>,
    participants: Vec<Edrpou>,
    people_kept: Vec<PersonId>,
    participants_kept: Vec<Edrpou>,
}

/// The import as its row tells it.
enum Found {
    Nothing,
    Undone,
    Standing(Plan),
}

impl Plan {
    fn read(tx: &mut Tx<'_>, import: ImportId) -> Result<Found, StoreError> {
        match is_undone(tx, import)? {
            None => return Ok(Found::Nothing),
            Some(true) => return Ok(Found::Undone),
            Some(false) => {}
        }
        let entered = entries(tx, import)?;
        let (directory_version, registry_version) = (rows::version(tx)?, entering::version(tx)?);
        let mut plan = Self { directory_version, registry_version, ..Self::default() };
        let of_import: HashSet<AssignmentId> = entered
            .iter()
            .filter_map(|entered| if let Entered::Assignment(id) = entered { Some(*id) } else { None })
            .collect();
        for entered in entered {
            match entered {
                Entered::Assignment(id) => {
                    let found = rows::assignment(tx, id)?;
                    plan.roles.extend(found.filter(|found| found.revoked.is_none()));
                }
                Entered::Person(id) => plan.person(tx, id, &of_import)?,
                Entered::Participant(edrpou) => plan.participant(tx, edrpou, &of_import)?,
            }
        }
        Ok(Found::Standing(plan))
    }

    fn person(&mut self, tx: &mut Tx<'_>, id: PersonId, of_import: &HashSet<AssignmentId>) -> Result<(), StoreError> {
        let there = rows::person(tx, id)?.is_some_and(|person| person.removed_at.is_none());
        if there {
            let elsewhere = rows::open_assignments(tx, id)?.iter().any(|open| !of_import.contains(&open.id));
            if elsewhere { self.people_kept.push(id) } else { self.people.push(id) }
        }
        Ok(())
    }

    fn participant(
        &mut self,
        tx: &mut Tx<'_>,
        edrpou: Edrpou,
        of_import: &HashSet<AssignmentId>,
    ) -> Result<(), StoreError> {
        let used = entering::has_certificates(tx, edrpou)?
            || open_within(tx, edrpou)?.iter().any(|assignment| !of_import.contains(assignment));
        if used {
            self.participants_kept.push(edrpou)
        } else if !entering::is_suspended(tx, edrpou)? {
            // An operator's own suspension stays what it is: no import lifts it.
            self.participants.push(edrpou)
        }
        Ok(())
    }

    fn outcome(&self, import: ImportId) -> ImportUndone {
        ImportUndone {
            import,
            roles_revoked: self.roles.len() as u64,
            people_removed: self.people.len() as u64,
            participants_suspended: self.participants.len() as u64,
            people_kept: self.people_kept.clone(),
            participants_kept: self.participants_kept.clone(),
        }
    }
}

/// The audit entries, in the order of the plan; the deed's own is the last.
struct Events {
    roles: Vec<Event>,
    people: Vec<Event>,
    participants: Vec<Event>,
    undo: Event,
}

impl People {
    /// Takes back what an import entered, as far as nothing else rests on it.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`]: `NotFound`; `ImportUndoneBefore`.
    pub async fn undo_import(
        &self,
        permit: Permit<ImportDirectory>,
        registry: &Registry,
        import: ImportId,
    ) -> Result<ImportUndone, DirectoryError> {
        let undone = retried!(self.try_undo(&permit, import))?;
        self.inner.kept.forget();
        registry.forget();
        Ok(undone)
    }

    async fn try_undo(&self, permit: &Permit<ImportDirectory>, import: ImportId) -> Result<ImportUndone, NotDone> {
        let found = self.inner.ledger.reader().read("import_to_undo", move |tx| Plan::read(tx, import)).await?;
        let plan = match found {
            Found::Nothing => {
                return Err(DirectoryError::invalid(ProblemCode::NotFound, "there is no such import").into());
            }
            Found::Undone => {
                return Err(DirectoryError::invalid(ProblemCode::ImportUndoneBefore, object(import)).into());
            }
            Found::Standing(plan) => plan,
        };
        let by = permit.actor().pseudonym();
        let (events, undone) = (self.undo_events(&plan, import, &by), plan.outcome(import));
        let done = self.inner.ledger.transact("undo_import", move |tx| {
            let current = rows::advance(tx, plan.directory_version)?
                && entering::advance(tx, plan.registry_version)?
                && mark_undone(tx, import, &events.undo, &by)?;
            if !current {
                return Err(NotDone::Overtaken);
            }
            for (role, event) in plan.roles.iter().zip(&events.roles) {
                rows::revoke_assignment(tx, role.id, event.at(), &by)?;
                audit::append(tx, event)?;
            }
            for (person, event) in plan.people.iter().zip(&events.people) {
                rows::remove_person(tx, *person, event.at(), &by)?;
                audit::append(tx, event)?;
            }
            for (participant, event) in plan.participants.iter().zip(&events.participants) {
                // At the moment of the undoing, by which a later import knows it again.
                entering::suspend(tx, *participant, events.undo.at())?;
                audit::append(tx, event)?;
            }
            Ok(audit::append(tx, &events.undo)?.with(()))
        });
        done.await?;
        Ok(undone)
    }

    fn undo_events(&self, plan: &Plan, import: ImportId, by: &str) -> Events {
        let prepare = |action, object: String, details| {
            let (actor, outcome) = (by.to_owned(), Outcome::Done);
            self.inner.ledger.prepare(EventDraft { action, actor, object: Some(object), outcome, details })
        };
        let of_import = || serde_json::json!({ "import": import });
        let roles = plan.roles.iter().map(|role| self.inner.ledger.prepare(entrusting::revocation(role, by))).collect();
        let people = plan.people.iter().map(|id| prepare(Action::RemovePerson, format!("person:{id}"), of_import()));
        let people = people.collect();
        let suspended = |edrpou| prepare(Action::SuspendRecipient, format!("participant:{edrpou}"), of_import());
        let participants = plan.participants.iter().map(suspended).collect();
        let details = serde_json::json!({
            "roles": plan.roles.len(),
            "people": plan.people.len(),
            "participants": plan.participants.len(),
        });
        Events { roles, people, participants, undo: prepare(Action::UndoImport, object(import), details) }
    }
}

/// None: there is no such import.
fn is_undone(tx: &mut Tx<'_>, import: ImportId) -> Result<Option<bool>, StoreError> {
    let sql = "-- import_is_undone
        SELECT undone_at IS NOT NULL FROM directory_import WHERE id = $1";
    tx.query_optional(sql, &[import.as_bytes().into()], |row| Ok(row.integer(0)? == 1))
}

/// False: it was undone before.
fn mark_undone(tx: &mut Tx<'_>, import: ImportId, event: &Event, by: &str) -> Result<bool, StoreError> {
    let sql = "-- mark_import_undone
        UPDATE directory_import SET undone_at = $2, undone_by = $3 WHERE id = $1 AND undone_at IS NULL";
    Ok(tx.execute(sql, &[import.as_bytes().into(), event.at().into(), by.into()])? == 1)
}

fn entries(tx: &mut Tx<'_>, import: ImportId) -> Result<Vec<Entered>, StoreError> {
    let sql = "-- import_entries
        SELECT participant, person_id, assignment_id FROM directory_import_entry WHERE import_id = $1 ORDER BY number";
    let corrupt = StoreError::Corrupt("directory_import_entry");
    tx.query(sql, &[import.as_bytes().into()], |row: &Row<'_>| {
        if !row.is_null(0)? {
            return row.text(0)?.parse().map(Entered::Participant).map_err(|_| corrupt.clone());
        }
        if !row.is_null(1)? {
            return PersonId::from_bytes(&row.blob(1)?).map(Entered::Person).map_err(|_| corrupt.clone());
        }
        AssignmentId::from_bytes(&row.blob(2)?).map(Entered::Assignment).map_err(|_| corrupt.clone())
    })
}

/// The roles within a participant that are not taken back.
fn open_within(tx: &mut Tx<'_>, participant: Edrpou) -> Result<Vec<AssignmentId>, StoreError> {
    let sql = "-- open_within_participant
        SELECT id FROM role_assignment WHERE participant = $1 AND revoked_at IS NULL";
    let corrupt = |_| StoreError::Corrupt("role_assignment.id");
    tx.query(sql, &[participant.as_str().into()], |row| AssignmentId::from_bytes(&row.blob(0)?).map_err(corrupt))
}
