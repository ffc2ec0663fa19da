//! Giving roles and taking them back.
//!
//! To give a head's role, or one of the node, takes two operators: who has one opens the way to others. An operator is known by a certificate of
//! the configuration, or is entrusted with the role; one human being is one operator, whichever way they come. To take a role back takes one,
//! whatever the role: where somebody has to lose it, it is to be at once, and what was taken too much is given again.
//!
//! A role stays when the role of whoever entrusted it ends. It was entrusted in the participant's name, and an agency whose head leaves
//! must not lose all its people that night; the directory shows which roles these are ([`RoleAssignment::grantor_ended`]).
//!
//! [`RoleAssignment::grantor_ended`]: schemas::directory::RoleAssignment::grantor_ended

use audit::{Action, EventDraft, Outcome};
use schemas::directory::GrantOutcome;
use schemas::{AssignmentId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, Tx};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::numbers::Digests;
use super::rows::{self, Assignment, PersonRow};
use super::{DirectoryError, NotDone, Operators, People, retried, rules};
use crate::actor::Actor;
use crate::decide::{GrantResource, GrantRole, Permit, RevokeRole};
use crate::proposals::{self, Proposed, Turn};

/// What is proposed here.
pub(super) const GRANT: &str = "grant_role";

/// For how long a role is entrusted, as it is stated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Term {
    /// From when; none: at once.
    pub from: Option<OffsetDateTime>,
    /// Until when, that moment excluded; none: until it is taken back.
    pub until: Option<OffsetDateTime>,
}

/// What the tables say before a role is given.
struct Found {
    version: i64,
    person: Option<PersonRow>,
    digests: Digests,
    open: Vec<Assignment>,
    participant_exists: bool,
    proposal: Option<Proposed>,
    /// Whether it is their own who gives their word now.
    own: bool,
}

impl Found {
    fn read(
        tx: &mut Tx<'_>,
        resource: &GrantResource,
        subject: &str,
        (operators, giver, now): (&Operators, &Actor, OffsetDateTime),
    ) -> Result<Self, StoreError> {
        let GrantResource { person, participant, .. } = *resource;
        let proposal = proposals::find(tx, GRANT, subject)?.filter(|proposed| now < proposed.until);
        let own = match &proposal {
            Some(proposed) => operators.are_one_human(tx, &proposed.proposed_by, giver)?,
            None => false,
        };
        Ok(Self {
            version: rows::version(tx)?,
            person: rows::person(tx, person)?,
            digests: rows::digests(tx, person)?,
            open: rows::open_assignments(tx, person)?,
            participant_exists: participant.map_or(Ok(true), |it| rows::participant_exists(tx, it))?,
            proposal,
            own,
        })
    }
}

/// What a second operator confirms: person, role, scope, and the term as it was stated.
fn subject(resource: &GrantResource, term: Term) -> Result<String, DirectoryError> {
    let moment = |moment: Option<OffsetDateTime>| match moment {
        None => Ok("-".to_owned()),
        Some(moment) => moment
            .format(&Rfc3339)
            .map_err(|_| DirectoryError::invalid(ProblemCode::RoleDatesWrong, "a moment that RFC 3339 cannot write")),
    };
    let GrantResource { person, role, participant } = resource;
    let scope = participant.map_or_else(|| "node".to_owned(), |participant| participant.to_string());
    Ok(format!("{person} {role} {scope} {} {}", moment(term.from)?, moment(term.until)?))
}

/// The audit entry of a role that is taken back.
pub(super) fn revocation(assignment: &Assignment, by: &str) -> EventDraft {
    let Assignment { id, person, role, participant, .. } = assignment;
    EventDraft {
        action: Action::RevokeRole,
        actor: by.to_owned(),
        object: Some(format!("person:{person}")),
        outcome: Outcome::Done,
        details: serde_json::json!({ "assignment": id, "role": role, "participant": participant }),
    }
}

/// The audit entry of a role that is given; `more`: how it came about.
pub(super) fn granting(assignment: &Assignment, more: serde_json::Value) -> EventDraft {
    let Assignment { id, person, role, participant, valid_from, valid_until, .. } = assignment;
    EventDraft {
        action: Action::GrantRole,
        actor: assignment.granted_by.clone(),
        object: Some(format!("person:{person}")),
        outcome: Outcome::Done,
        details: serde_json::json!({
            "assignment": id,
            "role": role,
            "participant": participant,
            "valid_from": valid_from.unix_timestamp(),
            "valid_until": valid_until.map(OffsetDateTime::unix_timestamp),
            "by": more,
        }),
    }
}

impl People {
    /// Entrusts a person with a role. Of a head's role and of those of the node the first operator's word is a proposal; the same
    /// word of another within a day entrusts it.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`]: `NotFound` for a person who is not in the directory; `RoleOwn`; `ActionForbidden`, `RoleScopeWrong`,
    /// `RoleNotEntrusted`, `RoleParticipantUnknown`, `RoleDatesWrong`, `RoleHeld`, `RoleIncompatible`; `SameOperator`.
    pub async fn grant(&self, permit: Permit<GrantRole>, term: Term) -> Result<GrantOutcome, DirectoryError> {
        let outcome = retried!(self.try_grant(&permit, term))?;
        self.inner.kept.forget();
        Ok(outcome)
    }

    async fn try_grant(&self, permit: &Permit<GrantRole>, term: Term) -> Result<GrantOutcome, NotDone> {
        let (resource, giver, now) = (permit.resource().clone(), permit.actor(), self.inner.clock.now());
        rules::check_scope(resource.role, resource.participant)?;
        rules::check_giver(giver, resource.role, resource.participant)?;
        let subject = subject(&resource, term)?;
        let (asked, about) = (resource.clone(), subject.clone());
        let (operators, actor) = (self.inner.operators.clone(), giver.clone());
        let found = self
            .inner
            .ledger
            .reader()
            .read("role_to_grant", move |tx| Found::read(tx, &asked, &about, (&operators, &actor, now)));
        let found = found.await?;
        let assignment = self.assignment_of(permit, term, now);
        self.check_grant(permit, &found, &assignment, now)?;
        if !rules::takes_two(resource.role) {
            return self.enter(assignment, found.version, None).await;
        }
        if found.own {
            return Err(proposals::SameOperator.into());
        }
        match proposals::turn(found.proposal, GRANT, &subject, giver, now)? {
            Turn::Propose(new) => self.propose(permit, new).await,
            Turn::Confirm(confirmed) => self.enter(assignment, found.version, Some(confirmed)).await,
        }
    }

    fn assignment_of(&self, permit: &Permit<GrantRole>, term: Term, now: OffsetDateTime) -> Assignment {
        let GrantResource { person, role, participant } = *permit.resource();
        Assignment {
            id: AssignmentId::fresh(now),
            person,
            role,
            participant,
            valid_from: term.from.unwrap_or(now),
            valid_until: term.until,
            granted_by: permit.actor().pseudonym(),
            granted_at: now,
            revoked: None,
        }
    }

    /// The rules that hold whatever the policies say.
    fn check_grant(
        &self,
        permit: &Permit<GrantRole>,
        found: &Found,
        assignment: &Assignment,
        now: OffsetDateTime,
    ) -> Result<(), DirectoryError> {
        let giver = permit.actor();
        let is_giver = matches!(giver, Actor::Person(person) if person.id == assignment.person);
        if is_giver || self.inner.operators.is(giver, &found.digests) {
            return Err(DirectoryError::invalid(ProblemCode::RoleOwn, "the person is the one who entrusts"));
        }
        let there = found.person.as_ref().is_some_and(|person| person.removed_at.is_none());
        there.then_some(()).ok_or_else(DirectoryError::nobody)?;
        if !found.participant_exists {
            return Err(DirectoryError::invalid(ProblemCode::RoleParticipantUnknown, "not in the registry"));
        }
        rules::check_dates(assignment.valid_from, assignment.valid_until, now)?;
        rules::check_together(assignment, &found.open, self.inner.operators.include(&found.digests))
    }

    async fn propose(&self, permit: &Permit<GrantRole>, new: Proposed) -> Result<GrantOutcome, NotDone> {
        let GrantResource { person, role, participant } = permit.resource();
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::ProposeRole,
            actor: permit.actor().pseudonym(),
            object: Some(format!("person:{person}")),
            outcome: Outcome::Done,
            details: serde_json::json!({ "proposal": new.id, "role": role, "participant": participant }),
        });
        let proposal = Some(new.shown());
        let done = self.inner.ledger.transact("propose_role", move |tx| {
            if !proposals::write(tx, &new)? {
                return Err(NotDone::Overtaken);
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        done.await?;
        Ok(GrantOutcome { assignment: None, proposal })
    }

    async fn enter(
        &self,
        assignment: Assignment,
        version: i64,
        confirmed: Option<Proposed>,
    ) -> Result<GrantOutcome, NotDone> {
        let proposed = confirmed
            .as_ref()
            .map(|it| serde_json::json!({ "proposal": it.id, "proposed_by": it.shown().proposed_by }));
        let event = self.inner.ledger.prepare(granting(&assignment, proposed.unwrap_or_default()));
        let id = assignment.id;
        let done = self.inner.ledger.transact("grant_role", move |tx| {
            if !rows::advance(tx, version)? {
                return Err(NotDone::Overtaken);
            }
            if let Some(confirmed) = &confirmed
                && !proposals::end(tx, confirmed)?
            {
                return Err(NotDone::Overtaken);
            }
            rows::insert_assignment(tx, &assignment)?;
            Ok(audit::append(tx, &event)?.with(()))
        });
        done.await?;
        let entered = self.inner.ledger.reader().read("assignment", move |tx| rows::assignment(tx, id)).await?;
        let entered = entered.ok_or(StoreError::Corrupt("role_assignment"))?;
        let (snapshot, now) = (self.snapshot().await?, self.inner.clock.now());
        Ok(GrantOutcome { assignment: Some(self.shown_assignment(entered, &snapshot, now)), proposal: None })
    }

    /// Takes a role back: the one that the permit is for.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`]: `NotFound` where there is no such role of the person, or it was taken back before; `ActionForbidden`
    /// where it is not the actor's to take.
    pub async fn revoke(&self, permit: Permit<RevokeRole>, assignment: AssignmentId) -> Result<(), DirectoryError> {
        let resource = permit.resource();
        rules::check_giver(permit.actor(), resource.role, resource.participant)?;
        retried!(self.try_revoke(&permit, assignment))?;
        self.inner.kept.forget();
        Ok(())
    }

    async fn try_revoke(&self, permit: &Permit<RevokeRole>, assignment: AssignmentId) -> Result<(), NotDone> {
        let found = self
            .inner
            .ledger
            .reader()
            .read("role_to_revoke", move |tx| Ok((rows::version(tx)?, rows::assignment(tx, assignment)?)));
        let (version, found) = found.await?;
        let is_meant = |found: &Assignment| {
            let GrantResource { person, role, participant } = *permit.resource();
            found.revoked.is_none() && (found.person, found.role, found.participant) == (person, role, participant)
        };
        let gone = || DirectoryError::invalid(ProblemCode::NotFound, "there is no such role to take back");
        let found = found.filter(is_meant).ok_or_else(gone)?;
        let by = permit.actor().pseudonym();
        let event = self.inner.ledger.prepare(revocation(&found, &by));
        let done = self.inner.ledger.transact("revoke_role", move |tx| {
            if !rows::advance(tx, version)? || !rows::revoke_assignment(tx, assignment, event.at(), &by)? {
                return Err(NotDone::Overtaken);
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        Ok(done.await?)
    }
}
