//! What an import would do, held against what is there: one pass over the rows, in the order of their tables, so that roles may speak of
//! participants and people of the same import.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use schemas::access::Role;
use schemas::directory::{ImportCount, ImportOutcome, ImportTable};
use schemas::quarantine::Proposal;
use schemas::{AssignmentId, Edrpou, ImportId, PersonId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, Tx};
use time::OffsetDateTime;

use super::Faults;
use super::stated::{Stated, StatedRole};
use crate::actor::Actor;
use crate::people::numbers::Digests;
use crate::people::registering::{self, Known, Newcomer};
use crate::people::rows::{self, Assignment};
use crate::people::{DirectoryError, Operators, rules};
use crate::registry::entering::{self, Standing};

/// Under which a plan is made.
pub(super) struct Terms<'a> {
    pub(super) operators: &'a Operators,
    /// Who imports.
    pub(super) actor: &'a Actor,
    pub(super) now: OffsetDateTime,
}

/// What is to be entered.
pub(super) struct Plan {
    pub(super) directory_version: i64,
    pub(super) registry_version: i64,
    /// Places in the list of what is stated.
    pub(super) participants: Vec<usize>,
    /// Participants that an import had entered, and its undoing suspended: they are entered again.
    pub(super) resumed: Vec<Edrpou>,
    pub(super) people: Vec<Entrant>,
    pub(super) roles: Vec<Assignment>,
    pub(super) faults: Faults,
    /// How many participants, people and roles are there already.
    unchanged: [u64; 3],
}

/// A person who is to be entered.
pub(super) struct Entrant {
    pub(super) id: PersonId,
    pub(super) newcomer: Newcomer,
    /// They were in the directory before, and removed: they come back as who they were.
    pub(super) returning: bool,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.participants.is_empty() && self.resumed.is_empty() && self.people.is_empty() && self.roles.is_empty()
    }

    pub(super) fn takes_two(&self) -> bool {
        self.roles.iter().any(|new| rules::takes_two(new.role))
    }

    /// Participants, people, roles.
    pub(super) fn counts(&self) -> [ImportCount; 3] {
        let added = [self.participants.len() + self.resumed.len(), self.people.len(), self.roles.len()];
        let count = |at: usize| ImportCount { added: added[at] as u64, unchanged: self.unchanged[at] };
        [count(0), count(1), count(2)]
    }

    pub(super) fn outcome(&self, import: Option<ImportId>, proposal: Option<Proposal>) -> ImportOutcome {
        let [participants, people, roles] = self.counts();
        let (errors, errors_in_all) = (self.faults.first.clone(), self.faults.all);
        ImportOutcome { import, proposal, participants, people, roles, errors, errors_in_all }
    }
}

/// Makes the plan.
pub(super) fn make(tx: &mut Tx<'_>, stated: &Stated, terms: &Terms<'_>) -> Result<Plan, StoreError> {
    let plan = Plan {
        directory_version: rows::version(tx)?,
        registry_version: entering::version(tx)?,
        participants: Vec::new(),
        resumed: Vec::new(),
        people: Vec::new(),
        roles: Vec::new(),
        faults: stated.faults.clone(),
        unchanged: [0; 3],
    };
    let mut planning = Planning { plan, terms, newcomers: HashMap::new(), held: HashMap::new(), said: HashMap::new() };
    planning.participants(tx, stated)?;
    planning.people(tx, stated)?;
    for role in &stated.roles {
        planning.role(tx, stated, role)?;
    }
    let mut plan = planning.plan;
    plan.faults.first.sort_by_key(|error| (error.table, error.line));
    Ok(plan)
}

struct Planning<'a> {
    plan: Plan,
    terms: &'a Terms<'a>,
    /// Whose numbers those of the table of people are: the person, and the line.
    newcomers: HashMap<[u8; 32], (PersonId, u64)>,
    /// The roles of people, those before in the import included.
    held: HashMap<PersonId, Vec<Assignment>>,
    /// Where a role of a person was said.
    said: HashMap<(PersonId, Role, Option<Edrpou>), u64>,
}

/// Who a row of roles is about.
struct Subject {
    person: PersonId,
    digests: Digests,
}

impl Planning<'_> {
    fn fault(&mut self, table: ImportTable, line: u64, column: &str, code: ProblemCode, detail: impl Into<String>) {
        self.plan.faults.push_refusal(table, line, column, code, detail.into());
    }

    fn participants(&mut self, tx: &mut Tx<'_>, stated: &Stated) -> Result<(), StoreError> {
        let table = ImportTable::Participants;
        let mut lines: HashMap<Edrpou, u64> = HashMap::new();
        for (place, (line, participant)) in stated.participants.iter().enumerate() {
            let edrpou = participant.edrpou();
            if let Some(before) = lines.insert(edrpou, *line) {
                self.fault(table, *line, "edrpou", ProblemCode::ImportRowRepeated, format!("line {before}"));
                continue;
            }
            match participant.standing(tx)? {
                Standing::Absent => self.plan.participants.push(place),
                Standing::Same if entering::is_suspended_by_undoing(tx, edrpou)? => self.plan.resumed.push(edrpou),
                Standing::Same => self.plan.unchanged[0] += 1,
                Standing::Different(column) => {
                    self.fault(table, *line, column, ProblemCode::ImportDiffers, "the registry says otherwise");
                }
            }
        }
        Ok(())
    }

    fn people(&mut self, tx: &mut Tx<'_>, stated: &Stated) -> Result<(), StoreError> {
        let table = ImportTable::People;
        for (line, newcomer) in &stated.people {
            let before = newcomer.digests.iter().find_map(|(kind, digest)| Some((kind, self.newcomers.get(digest)?.1)));
            if let Some((kind, before)) = before {
                self.fault(table, *line, kind.as_str(), ProblemCode::ImportRowRepeated, format!("line {before}"));
                continue;
            }
            let known = registering::known(tx, &newcomer.digests)?;
            let id = match known {
                Known::Nobody => {
                    let id = PersonId::fresh(self.terms.now);
                    self.plan.people.push(Entrant { id, newcomer: newcomer.clone(), returning: false });
                    id
                }
                Known::One(person) if person.removed_at.is_some() => {
                    self.plan.people.push(Entrant { id: person.id, newcomer: newcomer.clone(), returning: true });
                    person.id
                }
                Known::One(person) if person.name != newcomer.name => {
                    let detail = format!("{} has another name", person.id);
                    self.fault(table, *line, "name", ProblemCode::ImportDiffers, detail);
                    continue;
                }
                Known::One(person) => {
                    self.plan.unchanged[1] += 1;
                    person.id
                }
                Known::Unclear => {
                    let column = newcomer.digests.kinds().first().map_or("rnokpp", |kind| kind.as_str());
                    self.fault(table, *line, column, ProblemCode::PersonNumbersOfTwo, "in the directory");
                    continue;
                }
            };
            self.newcomers.extend(newcomer.digests.iter().map(|(_, digest)| (*digest, (id, *line))));
        }
        Ok(())
    }

    /// The person whom the row names: of this import, or of the directory.
    fn subject(&self, tx: &mut Tx<'_>, stated: &StatedRole) -> Result<Result<Subject, ProblemCode>, StoreError> {
        let mut named: HashSet<PersonId> = HashSet::new();
        for (_, digest) in stated.digests.iter() {
            let known = match self.newcomers.get(digest) {
                Some((person, _)) => Some(*person),
                None => rows::owner(tx, digest)?,
            };
            named.extend(known);
        }
        let mut named = named.into_iter();
        let (person, other) = (named.next(), named.next());
        let Some(person) = person else { return Ok(Err(ProblemCode::ImportPersonUnknown)) };
        let entrant = self.plan.people.iter().find(|entrant| entrant.id == person);
        let digests = match entrant {
            Some(entrant) => entrant.newcomer.digests.clone(),
            None => {
                let there = rows::person(tx, person)?.is_some_and(|person| person.removed_at.is_none());
                if !there {
                    return Ok(Err(ProblemCode::ImportPersonUnknown));
                }
                rows::digests(tx, person)?
            }
        };
        if other.is_some() || digests.clash(&stated.digests) {
            return Ok(Err(ProblemCode::PersonNumbersOfTwo));
        }
        Ok(Ok(Subject { person, digests }))
    }

    fn role(&mut self, tx: &mut Tx<'_>, all: &Stated, stated: &StatedRole) -> Result<(), StoreError> {
        let (table, line) = (ImportTable::Roles, stated.line);
        let subject = match self.subject(tx, stated)? {
            Ok(subject) => subject,
            Err(code) => {
                let column = stated.digests.kinds().first().map_or("rnokpp", |kind| kind.as_str());
                self.plan.faults.push(table, line, Some(column), code, None);
                return Ok(());
            }
        };
        if let Some(participant) = stated.participant {
            let entered = all.participants.iter().any(|(_, stated)| stated.edrpou() == participant);
            if !entered && !rows::participant_exists(tx, participant)? {
                self.plan.faults.push(table, line, Some("participant"), ProblemCode::RoleParticipantUnknown, None);
                return Ok(());
            }
        }
        let key = (subject.person, stated.role, stated.participant);
        if let Some(before) = self.said.insert(key, line) {
            self.fault(table, line, "role", ProblemCode::ImportRowRepeated, format!("line {before}"));
            return Ok(());
        }
        if let Entry::Vacant(unread) = self.held.entry(subject.person) {
            unread.insert(rows::open_assignments(tx, subject.person)?);
        }
        self.give(&subject, stated);
        Ok(())
    }

    /// The role is given, is there, or cannot be given.
    fn give(&mut self, subject: &Subject, stated: &StatedRole) {
        let (table, line, now) = (ImportTable::Roles, stated.line, self.terms.now);
        let held = self.held.entry(subject.person).or_default();
        let same = held.iter().find(|held| {
            let over = held.valid_until.is_some_and(|until| until <= now);
            !over && (held.role, held.participant) == (stated.role, stated.participant)
        });
        if let Some(same) = same {
            let begins = stated.from.map_or(same.valid_from <= now, |from| from == same.valid_from);
            if begins && stated.until == same.valid_until {
                self.plan.unchanged[2] += 1;
            } else {
                let column = if begins { "valid_until" } else { "valid_from" };
                let detail = format!("assignment {}", same.id);
                self.fault(table, line, column, ProblemCode::ImportDiffers, detail);
            }
            return;
        }
        let new = Assignment {
            id: AssignmentId::fresh(now),
            person: subject.person,
            role: stated.role,
            participant: stated.participant,
            valid_from: stated.from.unwrap_or(now),
            valid_until: stated.until,
            granted_by: self.terms.actor.pseudonym(),
            granted_at: now,
            revoked: None,
        };
        let own = self.terms.operators.is(self.terms.actor, &subject.digests);
        let operates = self.terms.operators.include(&subject.digests);
        let ruled = rules::check_scope(new.role, new.participant)
            .map_err(|error| ("participant", error))
            .and_then(|()| rules::check_giver(self.terms.actor, new.role, new.participant).map_err(|it| ("role", it)))
            .and_then(|()| rules::check_dates(new.valid_from, new.valid_until, now).map_err(|it| ("valid_from", it)))
            .and_then(|()| rules::check_together(&new, held, operates).map_err(|it| ("role", it)));
        match ruled {
            Ok(()) if own => {
                self.fault(table, line, "role", ProblemCode::RoleOwn, "the person is the operator who imports");
            }
            Ok(()) => {
                held.push(new.clone());
                self.plan.roles.push(new);
            }
            Err((column, DirectoryError::Invalid { code, detail })) => self.fault(table, line, column, code, detail),
            // Rules read nothing.
            Err((_, DirectoryError::Store(_))) => {}
        }
    }
}
