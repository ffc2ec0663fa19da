//! Who people are and what they are entrusted with.
//!
//! A person is known by keyed digests of their numbers ([`numbers`]), a role is entrusted for a time, by somebody, within a participant
//! or for the node. What a role may do is the policies' affair; what holds of roles whatever these say stands in `rules`. Logins and
//! sessions ask the [`Directory`]; operators and heads change it through [`People`], each change with its audit rows in the same
//! transaction. Audit entries name people by their ids only.
//!
//! Of officials roles and numbers are held in memory, at most a second old. People without a role, applicants above all, may be very many:
//! they are asked of the database, by key.

mod enrolling;
mod entrusting;
pub mod import;
mod listing;
pub mod numbers;
mod operators;
mod registering;
mod rows;
mod rules;
mod snapshot;

use std::pin::Pin;
use std::sync::Arc;

use audit::Ledger;
use schemas::access::Roles;
use schemas::{Edrpou, PersonId, ProblemCode};
use storage::{Clock, StoreError, Tx, TxError};

use crate::kept::Kept;
use crate::proposals::SameOperator;
pub use enrolling::Citizen;
pub use entrusting::Term;
use numbers::Digests;
pub use numbers::IdentityKey;
pub use operators::Operators;
use snapshot::Snapshot;

/// The numbers that a certificate names its holder by. At least one is there, or the certificate names no person.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonalNumbers {
    /// РНОКПП: ten digits.
    pub rnokpp: Option<String>,
    /// УНЗР: a date and a number, `19900101-01234`.
    pub unzr: Option<String>,
}

// Personal: neither in a log nor in a failed assertion.
impl std::fmt::Debug for PersonalNumbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonalNumbers")
    }
}

/// What a person is entrusted with at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entrusted {
    /// Roles of the node.
    pub node: Roles,
    /// Roles within participants, each participant once.
    pub within: Vec<(Edrpou, Roles)>,
}

/// An answer of a [`Directory`].
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<Option<T>, StoreError>> + Send + 'a>>;

/// The people whom the node knows. Asked at each request of a session, so it answers from memory, at most a second old.
pub trait Directory: Send + Sync {
    /// The registered person whom these numbers name, all of them that are there; `None` where nobody is, or two are.
    fn identify<'a>(&'a self, numbers: &'a PersonalNumbers) -> Answer<'a, PersonId>;

    /// What a person is entrusted with now; `None` where they are not registered, or no more.
    fn entrusted(&self, person: PersonId) -> Answer<'_, Entrusted>;

    /// Enters somebody who logs in as an applicant for the first time, with an audit row in the same transaction, and answers who they are;
    /// `None` where they cannot be entered: they were taken out, or their numbers are two people's. Asked at once for one human being, the
    /// answers are one person.
    fn enrol<'a>(&'a self, citizen: &'a Citizen) -> Answer<'a, PersonId> {
        let _ = citizen;
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// How often a change is planned anew because another was faster.
const TRIES: u32 = 4;

/// The directory of people. Cheap to clone; clones share what is in memory.
#[derive(Clone)]
pub struct People {
    inner: Arc<Inner>,
}

struct Inner {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    /// None: nobody can be registered or identified.
    key: Option<IdentityKey>,
    operators: Operators,
    kept: Kept<Snapshot>,
}

/// A change of the directory failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DirectoryError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody stated something that cannot be.
    #[error("{code}: {detail}")]
    Invalid {
        /// What they are told.
        code: ProblemCode,
        /// What exactly is wrong.
        detail: String,
    },
}

impl DirectoryError {
    fn invalid(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self::Invalid { code, detail: detail.into() }
    }

    fn nobody() -> Self {
        Self::invalid(ProblemCode::NotFound, "there is no such person in the directory")
    }
}

impl From<SameOperator> for DirectoryError {
    fn from(_: SameOperator) -> Self {
        Self::invalid(ProblemCode::SameOperator, "the person who proposed it cannot confirm it")
    }
}

/// The identity key is not the one that people were registered under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongKey {
    /// There is none.
    #[error("people are registered, and no key is there to know them by")]
    Missing,
    /// It is another.
    #[error("not the key under which people were registered: it would find nobody")]
    Other,
}

/// Why a change that was planned did not come about.
enum NotDone {
    /// Something else was changed since it was planned: it is planned anew.
    Overtaken,
    Failed(DirectoryError),
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<DirectoryError> for NotDone {
    fn from(error: DirectoryError) -> Self {
        Self::Failed(error)
    }
}

impl From<SameOperator> for NotDone {
    fn from(error: SameOperator) -> Self {
        Self::Failed(error.into())
    }
}

impl From<TxError<Self>> for NotDone {
    fn from(error: TxError<Self>) -> Self {
        match error {
            TxError::Refused(refused) => refused,
            TxError::Store(error) => error.into(),
        }
    }
}

impl People {
    /// The directory in the ledger's database. Reads nothing yet. `key`: without it nobody can be registered or identified.
    #[must_use]
    pub fn new(ledger: Ledger, clock: Arc<dyn Clock>, key: Option<IdentityKey>, operators: Operators) -> Self {
        Self { inner: Arc::new(Inner { ledger, clock, key, operators, kept: Kept::default() }) }
    }

    /// Whether the key is the one under which people are registered, if any are.
    ///
    /// # Errors
    /// When the database cannot be read; inside, what is wrong with the key.
    pub async fn check_key(&self) -> Result<Result<(), WrongKey>, StoreError> {
        let known = self.inner.ledger.reader().read("identity_key_check", rows::key_check).await?;
        Ok(match (known, self.inner.key.as_ref().map(IdentityKey::check_value)) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(WrongKey::Missing),
            (Some(known), Some(own)) => (known == own).then_some(()).ok_or(WrongKey::Other),
        })
    }

    /// Who has, or had, one of these numbers: also who was taken out of the directory. None: nobody, or two.
    ///
    /// # Errors
    /// `PeopleNotKept` without an identity key; when the database cannot be read.
    pub async fn sought(&self, numbers: &PersonalNumbers) -> Result<Option<PersonId>, DirectoryError> {
        let digests = self.key()?.digests(numbers);
        let read = move |tx: &mut Tx<'_>| -> Result<_, StoreError> {
            let mut found = None;
            for (_, digest) in digests.iter() {
                match (rows::owner(tx, digest)?, found) {
                    (Some(owner), Some(other)) if owner != other => return Ok(None),
                    (owner, _) => found = owner.or(found),
                }
            }
            Ok(found)
        };
        Ok(self.inner.ledger.reader().read("sought_person", read).await?)
    }

    fn key(&self) -> Result<&IdentityKey, DirectoryError> {
        let missing = || DirectoryError::invalid(ProblemCode::PeopleNotKept, "access.identity_key is not configured");
        self.inner.key.as_ref().ok_or_else(missing)
    }

    async fn snapshot(&self) -> Result<Arc<Snapshot>, StoreError> {
        self.inner.kept.current(self.inner.ledger.reader(), self.inner.clock.now()).await
    }
}

/// Plans and does, and plans anew as long as others are faster.
macro_rules! retried {
    ($attempt:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            match $attempt.await {
                Err($crate::people::NotDone::Overtaken) if tries < $crate::people::TRIES => {}
                Err($crate::people::NotDone::Overtaken) => {
                    break Err($crate::people::DirectoryError::Store(storage::StoreError::Overloaded));
                }
                Err($crate::people::NotDone::Failed(error)) => break Err(error),
                Ok(done) => break Ok(done),
            }
        }
    }};
}
use retried;

impl Directory for People {
    fn identify<'a>(&'a self, numbers: &'a PersonalNumbers) -> Answer<'a, PersonId> {
        Box::pin(async move {
            let Some(key) = &self.inner.key else { return Ok(None) };
            let digests = key.digests(numbers);
            // A reading of the database for each took a tenth of a login.
            if let Some(official) = self.snapshot().await?.identify(&digests) {
                return Ok(Some(official));
            }
            self.inner.ledger.reader().read("identify_person", move |tx| identify(tx, &digests)).await
        })
    }

    fn enrol<'a>(&'a self, citizen: &'a Citizen) -> Answer<'a, PersonId> {
        Box::pin(self.enrol_citizen(citizen))
    }

    fn entrusted(&self, person: PersonId) -> Answer<'_, Entrusted> {
        Box::pin(async move {
            if let Some(entrusted) = self.snapshot().await?.entrusted(person, self.inner.clock.now()) {
                return Ok(Some(entrusted));
            }
            let found = self.inner.ledger.reader().read("read_person", move |tx| rows::person(tx, person)).await?;
            Ok(found.filter(|person| person.removed_at.is_none()).map(|_| Entrusted::default()))
        })
    }
}

/// Who has one of these numbers, and none of a kind that they have another of.
fn identify(tx: &mut Tx<'_>, digests: &Digests) -> Result<Option<PersonId>, StoreError> {
    let mut found = None;
    for (_, digest) in digests.iter() {
        match (rows::owner(tx, digest)?, found) {
            (Some(owner), Some(other)) if owner != other => return Ok(None),
            (Some(owner), _) => found = Some(owner),
            (None, _) => {}
        }
    }
    let Some(person) = found else { return Ok(None) };
    if rows::digests(tx, person)?.clash(digests) {
        return Ok(None);
    }
    let person = rows::person(tx, person)?.ok_or(StoreError::Corrupt("person_identity.person_id"))?;
    Ok(person.removed_at.is_none().then_some(person.id))
}

#[cfg(test)]
mod tests;
