//! Statements of the intake and of the sweep behind it.

use audit::{Appended, Event};
use schemas::message::Receipt;
use schemas::{CaseId, Edrpou, EventId, JobId, MessageId};
use storage::{StoreError, Tx, jobs};
use time::OffsetDateTime;

use super::{id, insert_evidence, parsed};
use crate::message::{Evidence, Message};

/// Where a sealed part lies.
pub(crate) enum Content {
    /// In its row.
    Inline(Vec<u8>),
    /// In the object store, under this key.
    Object(String),
}

impl Content {
    /// The key, where it is an object.
    pub(crate) fn object_key(&self) -> Option<String> {
        match self {
            Self::Inline(_) => None,
            Self::Object(key) => Some(key.clone()),
        }
    }

    fn columns(&self) -> (Option<&str>, Option<&[u8]>) {
        match self {
            Self::Inline(bytes) => (None, Some(bytes)),
            Self::Object(key) => (Some(key), None),
        }
    }
}

/// Everything that one accepted submission writes. Made before its transaction, which only writes.
pub(crate) struct NewMessage {
    pub(crate) message: Message,
    pub(crate) opens_case: bool,
    pub(crate) key_envelope: Vec<u8>,
    pub(crate) document: Content,
    pub(crate) signature: Content,
    pub(crate) idempotency_key: String,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) evidence: Evidence,
    pub(crate) event: Event,
    pub(crate) job: JobId,
    /// Keys before this moment are forgotten.
    pub(crate) forgotten_before: OffsetDateTime,
    pub(crate) parts_json: String,
}

/// Seven or eight statements. None where the key is taken: then nothing may be committed.
pub(crate) fn insert_message(
    tx: &mut Tx<'_>,
    new: &NewMessage,
    job_kind: &str,
) -> Result<Option<Appended>, StoreError> {
    if !claim_key(tx, new)? {
        return Ok(None);
    }
    if new.opens_case {
        insert_case(tx, &new.message)?;
    }
    insert_message_row(tx, new)?;
    insert_parts(tx, new)?;
    insert_evidence(tx, &new.evidence)?;
    jobs::enqueue(tx, new.job, job_kind, new.message.id.as_bytes(), new.message.accepted_at)?;
    audit::append(tx, &new.event).map(Some)
}

/// Takes the key, also from a submission that is so old that it is forgotten.
fn claim_key(tx: &mut Tx<'_>, new: &NewMessage) -> Result<bool, StoreError> {
    let sql = "-- claim_submission_key
        INSERT INTO submission_key (sender, key, fingerprint, message_id, accepted_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (sender, key) DO UPDATE SET
            fingerprint = excluded.fingerprint, message_id = excluded.message_id, accepted_at = excluded.accepted_at
        WHERE submission_key.accepted_at < $6";
    let values = [
        new.message.sender.as_str().into(),
        (&new.idempotency_key).into(),
        (&new.fingerprint).into(),
        new.message.id.as_bytes().into(),
        new.message.accepted_at.into(),
        new.forgotten_before.into(),
    ];
    Ok(tx.execute(sql, &values)? == 1)
}

fn insert_case(tx: &mut Tx<'_>, message: &Message) -> Result<(), StoreError> {
    let sql = "-- insert_case
        INSERT INTO exchange_case (id, opener, counterpart, opened_at) VALUES ($1, $2, $3, $4)";
    let counterpart = message.recipient.participant();
    let values = [
        message.case.as_bytes().into(),
        message.sender.as_str().into(),
        counterpart.as_str().into(),
        message.accepted_at.into(),
    ];
    tx.execute(sql, &values).map(|_| ())
}

fn insert_message_row(tx: &mut Tx<'_>, new: &NewMessage) -> Result<(), StoreError> {
    let sql = "-- insert_message
        INSERT INTO message (id, case_id, sender, sender_certificate, recipient, kind, media_type, state, accepted_at,
            changed_at, parts, key_envelope)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let message = &new.message;
    let recipient = message.recipient.to_string();
    let values = [
        message.id.as_bytes().into(),
        message.case.as_bytes().into(),
        message.sender.as_str().into(),
        (&message.sender_certificate).into(),
        (&recipient).into(),
        message.kind.as_str().into(),
        message.media_type.as_str().into(),
        message.state.as_str().into(),
        message.accepted_at.into(),
        message.changed_at.into(),
        (&new.parts_json).into(),
        (&new.key_envelope).into(),
    ];
    tx.execute(sql, &values).map(|_| ())
}

fn insert_parts(tx: &mut Tx<'_>, new: &NewMessage) -> Result<(), StoreError> {
    let sql = "-- insert_parts
        INSERT INTO part (message_id, number, object_key, content) VALUES ($1, 0, $2, $3), ($1, 1, $4, $5)";
    let (document, signature) = (new.document.columns(), new.signature.columns());
    let values = [
        new.message.id.as_bytes().into(),
        document.0.into(),
        document.1.into(),
        signature.0.into(),
        signature.1.into(),
    ];
    tx.execute(sql, &values).map(|_| ())
}

/// What was accepted under an idempotency key.
pub(crate) struct StoredReceipt {
    pub(crate) fingerprint: [u8; 32],
    pub(crate) receipt: Receipt,
}

pub(crate) fn stored_receipt(
    tx: &mut Tx<'_>,
    sender: Edrpou,
    key: &str,
    forgotten_before: OffsetDateTime,
) -> Result<Option<StoredReceipt>, StoreError> {
    let sql = "-- stored_receipt
        SELECT k.fingerprint, m.id, m.case_id, m.accepted_at, m.parts, e.event_id, e.jws
        FROM submission_key k
        JOIN message m ON m.id = k.message_id
        JOIN evidence e ON e.message_id = m.id AND e.kind = 'A.1'
        WHERE k.sender = $1 AND k.key = $2 AND k.accepted_at >= $3";
    tx.query_optional(sql, &[sender.as_str().into(), key.into(), forgotten_before.into()], |row| {
        let fingerprint = row.blob(0)?.try_into().map_err(|_| StoreError::Corrupt("submission_key.fingerprint"))?;
        let receipt = Receipt {
            message_id: id(row, 1, MessageId::from_bytes, "message.id")?,
            case_id: id(row, 2, CaseId::from_bytes, "message.case_id")?,
            accepted_at: row.time(3)?,
            parts: serde_json::from_str(&row.text(4)?).map_err(|_| StoreError::Corrupt("message.parts"))?,
            event_id: id(row, 5, EventId::from_bytes, "evidence.event_id")?,
            evidence: row.text(6)?,
        };
        Ok(StoredReceipt { fingerprint, receipt })
    })
}

/// The two participants of a case.
pub(crate) fn case_parties(tx: &mut Tx<'_>, case: CaseId) -> Result<Option<[Edrpou; 2]>, StoreError> {
    let sql = "-- case_parties
        SELECT opener, counterpart FROM exchange_case WHERE id = $1";
    tx.query_optional(sql, &[case.as_bytes().into()], |row| {
        Ok([parsed(row, 0, "exchange_case.opener")?, parsed(row, 1, "exchange_case.counterpart")?])
    })
}

/// Whether a message names the object as its part.
pub(crate) fn has_part(tx: &mut Tx<'_>, message: MessageId, number: u8, key: &str) -> Result<bool, StoreError> {
    let sql = "-- has_part
        SELECT 1 FROM part WHERE message_id = $1 AND number = $2 AND object_key = $3";
    let values = [message.as_bytes().into(), i64::from(number).into(), key.into()];
    Ok(tx.query_optional(sql, &values, |row| row.integer(0))?.is_some())
}

pub(crate) fn count_old_keys(tx: &mut Tx<'_>, forgotten_before: OffsetDateTime) -> Result<i64, StoreError> {
    let sql = "-- count_old_submission_keys
        SELECT count(*) FROM submission_key WHERE accepted_at < $1";
    Ok(tx.query_optional(sql, &[forgotten_before.into()], |row| row.integer(0))?.unwrap_or_default())
}

pub(crate) fn delete_old_keys(tx: &mut Tx<'_>, forgotten_before: OffsetDateTime) -> Result<u64, StoreError> {
    let sql = "-- delete_old_submission_keys
        DELETE FROM submission_key WHERE accepted_at < $1";
    tx.execute(sql, &[forgotten_before.into()])
}
