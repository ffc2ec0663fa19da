//! Entering people into the directory and taking them out of it.

use audit::{Action, EventDraft, Outcome};
use schemas::directory::{PersonEntry, PersonRegistration};
use schemas::limits::PERSON_NAME_CHARACTERS;
use schemas::{PersonId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, Tx};

use super::numbers::{Digests, WrongNumber};
use super::rows::{self, PersonRow};
use super::{DirectoryError, NotDone, People, PersonalNumbers, retried};
use crate::decide::{Permit, RegisterPerson};

/// A person who can be registered.
#[derive(Debug, Clone)]
pub(super) struct Newcomer {
    pub(super) name: String,
    pub(super) digests: Digests,
}

/// Whose the numbers of a newcomer are.
pub(super) enum Known {
    Nobody,
    /// Somebody's, without contradiction.
    One(PersonRow),
    /// Two people's, or of somebody who has another number of the kind.
    Unclear,
}

impl From<WrongNumber> for DirectoryError {
    fn from(error: WrongNumber) -> Self {
        Self::invalid(ProblemCode::PersonNumberWrong, error.to_string())
    }
}

/// A name as it can be stored.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let fits = (1..=PERSON_NAME_CHARACTERS).contains(&name.chars().count());
    if !fits || name.trim() != name || name.chars().any(char::is_control) {
        return Err(format!(
            "name: 1 to {PERSON_NAME_CHARACTERS} characters, no control characters, no space at either end"
        ));
    }
    Ok(())
}

/// Whose these numbers are, among those who are in the directory and those who were removed.
pub(super) fn known(tx: &mut Tx<'_>, digests: &Digests) -> Result<Known, StoreError> {
    let mut found = None;
    for (_, digest) in digests.iter() {
        match (rows::owner(tx, digest)?, found) {
            (Some(owner), Some(other)) if owner != other => return Ok(Known::Unclear),
            (Some(owner), _) => found = Some(owner),
            (None, _) => {}
        }
    }
    let Some(person) = found else { return Ok(Known::Nobody) };
    if rows::digests(tx, person)?.clash(digests) {
        return Ok(Known::Unclear);
    }
    let person = rows::person(tx, person)?.ok_or(StoreError::Corrupt("person_identity.person_id"))?;
    Ok(Known::One(person))
}

impl People {
    /// Enters a person into the directory. Somebody who was removed comes back as who they were, under the same id, without the roles
    /// that they had: an id is a human being, or two could hold what one must not.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`]: `PersonNumberWrong`; `MalformedJson` for the name; `PersonRegistered`, whose detail names the entry;
    /// `PersonNumbersOfTwo`; `PeopleNotKept`.
    pub async fn register(
        &self,
        permit: Permit<RegisterPerson>,
        registration: PersonRegistration,
    ) -> Result<PersonEntry, DirectoryError> {
        let PersonRegistration { name, rnokpp, unzr } = registration;
        check_name(&name).map_err(|detail| DirectoryError::invalid(ProblemCode::MalformedJson, detail))?;
        let numbers = PersonalNumbers::checked(rnokpp.as_deref(), unzr.as_deref())?;
        let newcomer = Newcomer { name, digests: self.key()?.digests(&numbers) };
        let person = retried!(self.try_register(&permit, &newcomer))?;
        self.inner.kept.forget();
        self.entry(person).await?.ok_or_else(|| StoreError::Corrupt("person").into())
    }

    async fn try_register(&self, permit: &Permit<RegisterPerson>, newcomer: &Newcomer) -> Result<PersonId, NotDone> {
        let digests = newcomer.digests.clone();
        let found = self
            .inner
            .ledger
            .reader()
            .read("person_to_register", move |tx| Ok((rows::version(tx)?, known(tx, &digests)?)));
        let (version, known) = found.await?;
        let returning = match known {
            Known::Nobody => None,
            Known::One(person) if person.removed_at.is_some() => Some(person.id),
            Known::One(person) => {
                let detail = format!("as {}", person.id);
                return Err(DirectoryError::invalid(ProblemCode::PersonRegistered, detail).into());
            }
            Known::Unclear => {
                let detail = "they are two people's, or this person is known by another number of the kind";
                return Err(DirectoryError::invalid(ProblemCode::PersonNumbersOfTwo, detail).into());
            }
        };
        let id = returning.unwrap_or_else(|| PersonId::fresh(self.inner.clock.now()));
        let by = permit.actor().pseudonym();
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::RegisterPerson,
            actor: by.clone(),
            object: Some(format!("person:{id}")),
            outcome: Outcome::Done,
            details: serde_json::json!({ "known_by": newcomer.digests.kinds(), "returning": returning.is_some() }),
        });
        let (newcomer, check) = (newcomer.clone(), self.key()?.check_value());
        let done = self.inner.ledger.transact("register_person", move |tx| {
            if !rows::advance(tx, version)? {
                return Err(NotDone::Overtaken);
            }
            claim(tx, &check)?;
            match returning {
                Some(id) => rows::reinstate_person(tx, id, &newcomer.name, event.at(), &by)?,
                None => rows::insert_person(tx, id, &newcomer.name, event.at(), &by)?,
            }
            rows::add_digests(tx, id, &newcomer.digests)?;
            Ok(audit::append(tx, &event)?.with(id))
        });
        Ok(done.await?)
    }

    /// Takes a person out of the directory, and all their roles back. They log in no more; the log goes on naming them by their id.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`] with `NotFound`: there is no such person, or no more.
    pub async fn remove(&self, permit: Permit<RegisterPerson>, person: PersonId) -> Result<(), DirectoryError> {
        retried!(self.try_remove(&permit, person))?;
        self.inner.kept.forget();
        Ok(())
    }

    async fn try_remove(&self, permit: &Permit<RegisterPerson>, person: PersonId) -> Result<(), NotDone> {
        let found = self.inner.ledger.reader().read("person_to_remove", move |tx| {
            Ok((rows::version(tx)?, rows::person(tx, person)?, rows::open_assignments(tx, person)?))
        });
        let (version, found, open) = found.await?;
        found.filter(|person| person.removed_at.is_none()).ok_or_else(DirectoryError::nobody)?;
        let by = permit.actor().pseudonym();
        let draft = |action, details| EventDraft {
            action,
            actor: by.clone(),
            object: Some(format!("person:{person}")),
            outcome: Outcome::Done,
            details,
        };
        let revoked =
            open.iter().map(|open| super::entrusting::revocation(open, &by)).map(|it| self.inner.ledger.prepare(it));
        let mut events: Vec<_> = revoked.collect();
        events.push(self.inner.ledger.prepare(draft(Action::RemovePerson, serde_json::Value::Null)));
        let done = self.inner.ledger.transact("remove_person", move |tx| {
            if !rows::advance(tx, version)? {
                return Err(NotDone::Overtaken);
            }
            let (removal, revocations) = events.split_last().ok_or(StoreError::Corrupt("events"))?;
            for (open, event) in open.iter().zip(revocations) {
                rows::revoke_assignment(tx, open.id, event.at(), &by)?;
                audit::append(tx, event)?;
            }
            rows::remove_person(tx, person, removal.at(), &by)?;
            Ok(audit::append(tx, removal)?.with(()))
        });
        Ok(done.await?)
    }
}

/// The identity key is the one of all people before.
pub(super) fn claim(tx: &mut Tx<'_>, check: &[u8; 32]) -> Result<(), DirectoryError> {
    let other = || DirectoryError::invalid(ProblemCode::PeopleNotKept, "another identity key is in use");
    rows::claim_key(tx, check)?.then_some(()).ok_or_else(other)
}
