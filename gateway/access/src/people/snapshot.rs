//! The roles and numbers of officials as they stood at one moment.

use std::collections::{BTreeMap, HashMap};

use schemas::access::{Role, Roles};
use schemas::{Edrpou, PersonId};
use storage::{StoreError, Tx};
use time::OffsetDateTime;

use super::Entrusted;
use super::numbers::Digests;
use super::rows::{self, Assignment};
use crate::kept::View;

/// Roles by person, of those who have one that holds or will hold. Immutable.
pub(crate) struct Snapshot {
    version: i64,
    officials: HashMap<PersonId, Vec<Held>>,
    /// Whose a number is, of those.
    owners: HashMap<[u8; 32], PersonId>,
}

struct Held {
    role: Role,
    participant: Option<Edrpou>,
    from: OffsetDateTime,
    until: Option<OffsetDateTime>,
}

impl Held {
    fn holds_at(&self, now: OffsetDateTime) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// The tables.
pub(crate) struct Rows {
    version: i64,
    assignments: Vec<Assignment>,
    numbers: Vec<([u8; 32], PersonId)>,
}

impl View for Snapshot {
    type Rows = Rows;

    fn stored_version(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
        rows::version(tx)
    }

    fn read(tx: &mut Tx<'_>, now: OffsetDateTime) -> Result<Rows, StoreError> {
        let (assignments, numbers) = (rows::all_assignments(tx, now)?, rows::numbers_of_officials(tx, now)?);
        Ok(Rows { version: rows::version(tx)?, assignments, numbers })
    }

    fn of_rows(rows: Rows) -> Result<Self, StoreError> {
        let mut officials: HashMap<_, Vec<Held>> = HashMap::new();
        for Assignment { person, role, participant, valid_from, valid_until, .. } in rows.assignments {
            let held = Held { role, participant, from: valid_from, until: valid_until };
            officials.entry(person).or_default().push(held);
        }
        Ok(Self { version: rows.version, officials, owners: rows.numbers.into_iter().collect() })
    }

    fn version(&self) -> i64 {
        self.version
    }
}

impl Snapshot {
    /// None: no official. They may be registered nevertheless.
    pub(super) fn entrusted(&self, person: PersonId, now: OffsetDateTime) -> Option<Entrusted> {
        let mut within: BTreeMap<Edrpou, Roles> = BTreeMap::new();
        let mut node = Roles::default();
        for held in self.officials.get(&person)?.iter().filter(|held| held.holds_at(now)) {
            match held.participant {
                Some(participant) => {
                    let roles = within.entry(participant).or_default();
                    *roles = roles.with(held.role);
                }
                None => node = node.with(held.role),
            }
        }
        Some(Entrusted { node, within: within.into_iter().collect() })
    }

    /// The official who has every one of these numbers. None: no official has, or somebody has to look closer, at numbers of people who are none.
    pub(super) fn identify(&self, digests: &Digests) -> Option<PersonId> {
        let mut owners = digests.iter().map(|(_, digest)| self.owners.get(digest).copied());
        let first = owners.next()??;
        owners.all(|owner| owner == Some(first)).then_some(first)
    }

    /// Whether the person heads the participant, or is an operator of the node.
    pub(super) fn entrusts_there(&self, person: PersonId, participant: Option<Edrpou>, now: OffsetDateTime) -> bool {
        let entrusts = |held: &Held| {
            let head = matches!(held.role, Role::HeadOfAgency | Role::HeadOfCentre) && held.participant == participant;
            (head || held.role == Role::NodeOperator) && held.holds_at(now)
        };
        self.officials.get(&person).is_some_and(|roles| roles.iter().any(entrusts))
    }
}
