//! A citizen's first login enters them into the directory, as an applicant and nothing more.
//!
//! What is kept is what an operator's registration keeps: keyed digests of the numbers that the certificate names, and the name in it. Whoever
//! the directory knows by one of these numbers is that person: an official who logs in as a citizen becomes nobody else. Whoever was taken
//! out of it stays out, until an operator enters them again.
//!
//! Two first logins at once are settled in the transaction, where the one that comes later finds the other's row.

use audit::{Action, EventDraft, Outcome};
use crypto::digest::hex;
use schemas::PersonId;
use schemas::limits::PERSON_NAME_CHARACTERS;
use storage::ids::FreshId;
use storage::{StoreError, TxError};

use super::registering::{self, Known};
use super::{People, PersonalNumbers, rows};

/// Somebody with a qualified certificate of a natural person, whose signature holds, and whom the directory does not identify.
#[derive(Clone)]
pub struct Citizen {
    /// The numbers that the certificate names them by.
    pub numbers: PersonalNumbers,
    /// The name in the certificate.
    pub name: String,
    /// SHA-256 of the certificate's DER.
    pub certificate: [u8; 32],
}

// Personal.
impl std::fmt::Debug for Citizen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Citizen")
    }
}

/// Why nobody was entered.
enum NotEntered {
    /// They are there: since just now, or removed, or the numbers are two people's.
    Known(Option<PersonId>),
    Store(StoreError),
}

impl From<StoreError> for NotEntered {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl People {
    /// Who they are from now on; none where they cannot be entered.
    pub(super) async fn enrol_citizen(&self, citizen: &Citizen) -> Result<Option<PersonId>, StoreError> {
        let Some(key) = &self.inner.key else { return Ok(None) };
        let (digests, check) = (key.digests(&citizen.numbers), key.check_value());
        let name: String = citizen.name.chars().take(PERSON_NAME_CHARACTERS).collect();
        let name = name.trim().to_owned();
        if registering::check_name(&name).is_err() || digests.kinds().is_empty() {
            return Ok(None);
        }
        let id = PersonId::fresh(self.inner.clock.now());
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::RegisterPerson,
            actor: format!("person:{id}"),
            object: Some(format!("person:{id}")),
            outcome: Outcome::Done,
            details: serde_json::json!({
                "known_by": digests.kinds(), "returning": false, "enrolled": true, "certificate": hex(&citizen.certificate),
            }),
        });
        let entered = self.inner.ledger.transact("enrol_applicant", move |tx| {
            match registering::known(tx, &digests)? {
                Known::Nobody => {}
                Known::One(person) => {
                    return Err(NotEntered::Known(person.removed_at.is_none().then_some(person.id)));
                }
                Known::Unclear => return Err(NotEntered::Known(None)),
            }
            // Under another key the node did not start; a second one at once changes nothing of that.
            if !rows::claim_key(tx, &check)? {
                return Err(NotEntered::Known(None));
            }
            rows::grow(tx)?;
            rows::insert_person(tx, id, &name, event.at(), &format!("person:{id}"))?;
            rows::add_digests(tx, id, &digests)?;
            Ok(audit::append(tx, &event)?.with(id))
        });
        match entered.await {
            Ok(id) => Ok(Some(id)),
            Err(TxError::Refused(NotEntered::Known(known))) => Ok(known),
            Err(TxError::Refused(NotEntered::Store(error)) | TxError::Store(error)) => Err(error),
        }
    }
}
