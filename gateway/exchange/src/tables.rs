//! The exchange's tables (migrations/sqlite/0004_exchange.sql): every statement of this crate.

mod intake;
mod mailbox;

use schemas::evidence::EvidenceKind;
use schemas::message::{MediaType, MessageState};
use schemas::{CaseId, Edrpou, EventId, EvidenceId, MailboxId, MessageId};
use storage::{Row, StoreError, Tx};

use crate::message::{Evidence, Message};

pub(crate) use intake::{
    Content, NewMessage, StoredReceipt, case_parties, count_old_keys, delete_old_keys, has_part, insert_message,
    stored_receipt,
};
pub(crate) use mailbox::{
    Acknowledged, Leased, StoredPart, acknowledge, acknowledgement, case_evidence, hand_over, lease, list,
    list_in_state, part,
};

/// Reads a column as a type that checks its text.
fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize, name: &'static str) -> Result<T, StoreError> {
    row.text(column)?.parse().map_err(|_| StoreError::Corrupt(name))
}

/// Reads a typed id.
fn id<T, E>(
    row: &Row<'_>,
    column: usize,
    from: impl FnOnce(&[u8]) -> Result<T, E>,
    name: &'static str,
) -> Result<T, StoreError> {
    from(&row.blob(column)?).map_err(|_| StoreError::Corrupt(name))
}

fn state(row: &Row<'_>, column: usize) -> Result<MessageState, StoreError> {
    named(row.text(column)?, "state")
}

/// A value of an enum by its name on the wire, which is its name in storage.
fn named<T: serde::de::DeserializeOwned>(text: String, name: &'static str) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(text)).map_err(|_| StoreError::Corrupt(name))
}

/// The first eleven columns of every statement that reads messages: id, case_id, sender, sender_certificate, recipient,
/// kind, media_type, state, accepted_at, changed_at, parts.
fn message(row: &Row<'_>) -> Result<Message, StoreError> {
    let certificate = row.blob(3)?.try_into().map_err(|_| StoreError::Corrupt("message.sender_certificate"))?;
    Ok(Message {
        id: id(row, 0, MessageId::from_bytes, "message.id")?,
        case: id(row, 1, CaseId::from_bytes, "message.case_id")?,
        sender: parsed(row, 2, "message.sender")?,
        sender_certificate: certificate,
        recipient: parsed(row, 4, "message.recipient")?,
        kind: parsed(row, 5, "message.kind")?,
        media_type: MediaType::try_from(row.text(6)?).map_err(|_| StoreError::Corrupt("message.media_type"))?,
        state: state(row, 7)?,
        accepted_at: row.time(8)?,
        changed_at: row.time(9)?,
        parts: serde_json::from_str(&row.text(10)?).map_err(|_| StoreError::Corrupt("message.parts"))?,
    })
}

pub(crate) fn read_message(tx: &mut Tx<'_>, id: MessageId) -> Result<Option<Message>, StoreError> {
    let sql = "-- read_message
        SELECT id, case_id, sender, sender_certificate, recipient, kind, media_type, state, accepted_at, changed_at, parts
        FROM message WHERE id = $1";
    tx.query_optional(sql, &[id.as_bytes().into()], message)
}

/// Who sent a message to where.
pub(crate) fn parties(tx: &mut Tx<'_>, id: MessageId) -> Result<Option<(Edrpou, MailboxId)>, StoreError> {
    let sql = "-- message_parties
        SELECT sender, recipient FROM message WHERE id = $1";
    tx.query_optional(sql, &[id.as_bytes().into()], |row| {
        Ok((parsed(row, 0, "message.sender")?, parsed(row, 1, "message.recipient")?))
    })
}

/// Queued -> Consigned. False where the message is not queued (any more).
pub(crate) fn consign(tx: &mut Tx<'_>, evidence: &Evidence) -> Result<bool, StoreError> {
    let sql = "-- consign_message
        UPDATE message SET state = 'consigned', changed_at = $2 WHERE id = $1 AND state = 'queued'";
    let changed = tx.execute(sql, &[evidence.message.as_bytes().into(), evidence.at.into()])?;
    if changed == 1 {
        insert_evidence(tx, evidence)?;
    }
    Ok(changed == 1)
}

pub(crate) fn insert_evidence(tx: &mut Tx<'_>, evidence: &Evidence) -> Result<(), StoreError> {
    let sql = "-- insert_evidence
        INSERT INTO evidence (id, message_id, kind, state, at, event_id, jws) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        evidence.id.as_bytes().into(),
        evidence.message.as_bytes().into(),
        evidence.kind.code().into(),
        evidence.state.as_str().into(),
        evidence.at.into(),
        evidence.event.as_bytes().into(),
        (&evidence.jws).into(),
    ];
    tx.execute(sql, &values).map(|_| ())
}

/// Columns id, message_id, kind, state, at, event_id, jws.
fn evidence(row: &Row<'_>) -> Result<Evidence, StoreError> {
    Ok(Evidence {
        id: id(row, 0, EvidenceId::from_bytes, "evidence.id")?,
        message: id(row, 1, MessageId::from_bytes, "evidence.message_id")?,
        kind: named::<EvidenceKind>(row.text(2)?, "evidence.kind")?,
        state: state(row, 3)?,
        at: row.time(4)?,
        event: id(row, 5, EventId::from_bytes, "evidence.event_id")?,
        jws: row.text(6)?,
    })
}
