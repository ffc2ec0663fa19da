//! Reading the directory. Who is in it is personal: each reading leaves its audit row before it is answered.

use audit::{Action, EventDraft, Outcome};
use schemas::directory::{NumberKind, PeoplePage, PersonEntry, RoleAssignment};
use schemas::limits::{ASSIGNMENTS_SHOWN, PAGE_ITEMS};
use schemas::{AssignmentId, Edrpou, PersonId};
use storage::{StoreError, Tx};
use time::OffsetDateTime;

use super::People;
use super::entrusting::GRANT;
use super::rows::{self, Assignment, PersonRow};
use super::snapshot::Snapshot;
use crate::decide::{GrantResource, Permit, ReadPeople};
use crate::proposals::{self, Proposed};

/// Proposals about one person that are shown.
const PROPOSALS_SHOWN: u32 = 20;

/// What the tables say of a person.
struct Found {
    person: PersonRow,
    known_by: Vec<NumberKind>,
    assignments: Vec<Assignment>,
    proposals: Vec<Proposed>,
}

impl Found {
    fn read(tx: &mut Tx<'_>, person: PersonRow, now: OffsetDateTime) -> Result<Self, StoreError> {
        let known_by = rows::digests(tx, person.id)?.kinds();
        let assignments = rows::assignments(tx, person.id, ASSIGNMENTS_SHOWN)?;
        let about = format!("{} ", person.id);
        let proposals = proposals::open_about(tx, GRANT, &about, now, PROPOSALS_SHOWN)?;
        Ok(Self { person, known_by, assignments, proposals })
    }

    /// As a participant's head reads it: nothing of what the person does elsewhere.
    fn read_within(tx: &mut Tx<'_>, person: PersonRow, participant: Edrpou) -> Result<Self, StoreError> {
        let known_by = rows::digests(tx, person.id)?.kinds();
        let mut assignments = rows::open_assignments(tx, person.id)?;
        assignments.retain(|assignment| assignment.participant == Some(participant));
        Ok(Self { person, known_by, assignments, proposals: Vec::new() })
    }
}

impl People {
    /// One page of the directory, by id: of everybody who is or was in it, or, where the permit is for a participant, of the people
    /// who have a role within it. The audit row is written before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        permit: Permit<ReadPeople>,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<PeoplePage, StoreError> {
        let (participant, limit, now) = (*permit.resource(), limit.clamp(1, PAGE_ITEMS), self.inner.clock.now());
        let snapshot = self.snapshot().await?;
        let found = self.inner.ledger.reader().read("people", move |tx| match participant {
            Some(participant) => {
                let people = rows::people_of(tx, participant, after, limit + 1)?;
                people.into_iter().map(|person| Found::read_within(tx, person, participant)).collect()
            }
            None => {
                let people = rows::people(tx, after, limit + 1)?;
                people.into_iter().map(|person| Found::read(tx, person, now)).collect::<Result<Vec<_>, _>>()
            }
        });
        let mut found: Vec<Found> = found.await?;
        let page = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > page;
        found.truncate(page);
        let next_after = found.last().filter(|_| more).map(|found| found.person.id);
        let recorded = self.inner.ledger.record(EventDraft {
            action: Action::ReadPeople,
            actor: permit.actor().pseudonym(),
            object: participant.map(|participant| format!("participant:{participant}")),
            outcome: Outcome::Done,
            details: serde_json::json!({ "people": found.len(), "after": after }),
        });
        recorded.await?;
        let people = found.into_iter().map(|found| self.shown(found, &snapshot, now)).collect();
        Ok(PeoplePage { people, next_after })
    }

    /// One entry, for the answer to a change of it.
    pub(super) async fn entry(&self, person: PersonId) -> Result<Option<PersonEntry>, StoreError> {
        let (snapshot, now) = (self.snapshot().await?, self.inner.clock.now());
        let found = self.inner.ledger.reader().read("person_entry", move |tx| {
            rows::person(tx, person)?.map(|person| Found::read(tx, person, now)).transpose()
        });
        Ok(found.await?.map(|found| self.shown(found, &snapshot, now)))
    }

    /// Which role of the person an assignment is, so that it can be decided who may take it back.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn assignment(
        &self,
        person: PersonId,
        assignment: AssignmentId,
    ) -> Result<Option<GrantResource>, StoreError> {
        let found = self.inner.ledger.reader().read("assignment", move |tx| rows::assignment(tx, assignment));
        let found = found.await?.filter(|found| found.person == person);
        Ok(found.map(|Assignment { person, role, participant, .. }| GrantResource { person, role, participant }))
    }

    fn shown(&self, found: Found, snapshot: &Snapshot, now: OffsetDateTime) -> PersonEntry {
        let Found { person, known_by, assignments, proposals } = found;
        let shown = |assignment| self.shown_assignment(assignment, snapshot, now);
        PersonEntry {
            id: person.id,
            name: person.name,
            known_by,
            registered_at: person.registered_at,
            registered_by: person.registered_by,
            removed_at: person.removed_at,
            roles: assignments.into_iter().map(shown).collect(),
            proposals: proposals.iter().map(Proposed::shown).collect(),
        }
    }

    pub(super) fn shown_assignment(
        &self,
        assignment: Assignment,
        snapshot: &Snapshot,
        now: OffsetDateTime,
    ) -> RoleAssignment {
        let Assignment { id, role, participant, valid_from, valid_until, granted_by, granted_at, revoked, .. } =
            assignment;
        let grantor = granted_by.strip_prefix("person:").and_then(|id| id.parse().ok());
        let grantor_ended = match grantor {
            Some(person) => !snapshot.entrusts_there(person, participant, now),
            None => !self.inner.operators.have(&granted_by),
        };
        let (revoked_at, revoked_by) = revoked.unzip();
        RoleAssignment {
            id,
            role,
            participant,
            valid_from,
            valid_until,
            granted_by,
            granted_at,
            grantor_ended,
            revoked_at,
            revoked_by,
        }
    }
}
