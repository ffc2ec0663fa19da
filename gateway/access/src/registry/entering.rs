//! Participants as an import enters them: name, mailboxes, area, and no certificate. Entered once; what is there is compared, and never
//! changed.

use schemas::registry::{ParticipantRegistration, Reception};
use schemas::{Addressee, AreaCode, Edrpou, MailboxId};
use storage::{StoreError, Tx};
use time::OffsetDateTime;

use super::registration::Registration;
use super::{RegistryError, rows};

/// A participant as a row states it, checked.
#[derive(Debug)]
pub(crate) struct Stated {
    registration: Registration,
    area: Option<AreaCode>,
}

/// What the registry has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Absent,
    /// All that is stated is so.
    Same,
    /// What is not, by the name of the column.
    Different(&'static str),
}

impl Stated {
    /// # Errors
    /// As [`super::Registry::register`].
    pub(crate) fn check(
        edrpou: Edrpou,
        name: &str,
        mailboxes: Vec<String>,
        area: Option<AreaCode>,
    ) -> Result<Self, RegistryError> {
        let (name, reception) = (name.to_owned(), Reception::default());
        let stated = ParticipantRegistration { name, mailboxes, certificates: Vec::new(), area, reception, node: None };
        Ok(Self { registration: Registration::check(edrpou, stated)?, area })
    }

    pub(crate) fn edrpou(&self) -> Edrpou {
        self.registration.edrpou()
    }

    pub(crate) fn audit_details(&self) -> serde_json::Value {
        self.registration.audit_details()
    }

    /// Whether it is there, and as stated. Mailboxes and an area that are not stated may be whatever they are.
    pub(crate) fn standing(&self, tx: &mut Tx<'_>) -> Result<Standing, StoreError> {
        let sql = "-- stated_participant
            SELECT name, area FROM participant WHERE edrpou = $1";
        let of = |row: &storage::Row<'_>| Ok((row.text(0)?, if row.is_null(1)? { None } else { Some(row.text(1)?) }));
        let found = tx.query_optional(sql, &[self.edrpou().as_str().into()], of)?;
        let Some((name, area)) = found else { return Ok(Standing::Absent) };
        let sql = "-- mailboxes_of_participant
            SELECT id FROM mailbox WHERE participant = $1";
        let mailboxes = tx.query(sql, &[self.edrpou().as_str().into()], |row| row.text(0))?;
        let has = |mailbox: &MailboxId| mailboxes.contains(&mailbox.to_string());
        Ok(if name != self.registration.name() {
            Standing::Different("name")
        } else if self.area.is_some_and(|stated| area != Some(stated.to_string())) {
            Standing::Different("area")
        } else if !self.registration.mailboxes().iter().all(has) {
            Standing::Different("mailboxes")
        } else {
            Standing::Same
        })
    }

    /// Enters it. It must be absent.
    pub(crate) fn insert(&self, tx: &mut Tx<'_>, at: OffsetDateTime) -> Result<(), StoreError> {
        rows::insert_participant(tx, &self.registration, at)
    }
}

/// The number that grows with each change of the registry.
pub(crate) fn version(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    rows::version(tx)
}

/// Moves the version on from the one that a change was planned at. False: something changed meanwhile.
pub(crate) fn advance(tx: &mut Tx<'_>, planned_at: i64) -> Result<bool, StoreError> {
    let sql = "-- advance_registry_version
        UPDATE registry_version SET version = version + 1 WHERE id = 1 AND version = $1";
    Ok(tx.execute(sql, &[planned_at.into()])? == 1)
}

/// Whether anybody registered certificates for the participant: then more was stated of it than an import can.
pub(crate) fn has_certificates(tx: &mut Tx<'_>, participant: Edrpou) -> Result<bool, StoreError> {
    let sql = "-- participant_has_certificates
        SELECT 1 FROM participant_certificate WHERE participant = $1 LIMIT 1";
    Ok(tx.query_optional(sql, &[participant.as_str().into()], |row| row.integer(0))?.is_some())
}

/// Whether nothing can be sent to the participant, whoever said so.
pub(crate) fn is_suspended(tx: &mut Tx<'_>, participant: Edrpou) -> Result<bool, StoreError> {
    let sql = "-- participant_is_suspended
        SELECT 1 FROM suspension WHERE address = $1";
    Ok(tx.query_optional(sql, &[participant.as_str().into()], |row| row.integer(0))?.is_some())
}

/// Whether it is the undoing of an import that suspended the participant: its moment is that of the suspension. What an operator has said
/// since has another.
pub(crate) fn is_suspended_by_undoing(tx: &mut Tx<'_>, participant: Edrpou) -> Result<bool, StoreError> {
    let sql = "-- participant_is_suspended_by_undoing
        SELECT 1 FROM suspension s WHERE s.address = $1 AND EXISTS (
            SELECT 1 FROM directory_import i JOIN directory_import_entry e ON e.import_id = i.id
            WHERE i.undone_at = s.suspended_at AND e.participant = $1)";
    Ok(tx.query_optional(sql, &[participant.as_str().into()], |row| row.integer(0))?.is_some())
}

/// It can be sent to again.
pub(crate) fn resume(tx: &mut Tx<'_>, participant: Edrpou) -> Result<(), StoreError> {
    rows::replace_suspension(tx, &Addressee::Participant(participant), None)
}

/// Nothing can be sent to the participant from now on.
pub(crate) fn suspend(tx: &mut Tx<'_>, participant: Edrpou, at: OffsetDateTime) -> Result<(), StoreError> {
    rows::replace_suspension(tx, &Addressee::Participant(participant), Some(at))
}
