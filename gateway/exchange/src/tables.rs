//! The exchange's tables (migrations/sqlite/0004_exchange.sql, 0007_states.sql, 0009_uploads.sql, 0010_notices.sql,
//! 0011_relay.sql, 0012_retention.sql, 0013_held.sql, 0014_scans.sql, 0015_metadata.sql): every statement of this crate.

/// What every statement that reads messages begins with; [`message`] reads these thirteen.
macro_rules! message_columns {
    () => {
        "id, case_id, sender, sender_certificate, recipient, kind, media_type, standing, steps, accepted_at, changed_at, parts, metadata"
    };
}

/// Which messages of a case concern whom: what the node has not accepted is its sender's business alone. The participant who asks is $2.
macro_rules! concerns {
    () => {
        "(sender = $2 OR state NOT IN ('announced', 'submitted', 'rejected'))"
    };
}

mod export;
mod hold;
mod intake;
mod mailbox;
mod notices;
mod relay;
mod retention;
mod upload;

use schemas::evidence::EvidenceKind;
use schemas::message::{MediaType, MessageState};
use schemas::{CaseId, Edrpou, EventId, EvidenceId, LeaseToken, MailboxId, MessageId};
use storage::{Row, StoreError, Tx, Value};
use time::OffsetDateTime;

use crate::edge::Edge;
use crate::message::{Evidence, Message};

pub(crate) use export::{Exported, exported};
pub(crate) use hold::{
    HeldMessage, HeldSignature, NewHold, WaitingSignatures, count_open, held_receipt, insert_waiting, rewrap_held,
    waiting,
};
pub(crate) use intake::{
    Claim, Content, Ended, NewMessage, StoredReceipt, case_parties, count_old_keys, delete_old_keys, has_part,
    insert_case, insert_message, stored_receipt,
};
pub(crate) use mailbox::{
    Acknowledged, Held, Leased, StoredKey, StoredPart, acknowledgement, case_evidence, count_waiting, inline_parts,
    insert_acknowledgement, lease, list, list_in_state, part, sent, sent_in_state, something_waits,
};
pub(crate) use notices::{
    claim_notices, dead_notices, delete_notice, delete_subscription, insert_notices, look_again, notices_of,
    put_subscription, receivers, release_notice, reminder_waits, replace_secret, subscription_version, subscriptions,
};
pub(crate) use relay::{
    PeerEvidence, Route, Travelling, answer, case_peer_evidence, enqueue_report, has_peer_evidence,
    insert_peer_evidence, insert_route, report, route, traffic, travelling,
};
pub(crate) use retention::{
    HoldFound, Piece, StoredAct, StoredSignature, act, act_document, act_signatures, acts, advance_act, erase_content,
    executing_act, hold, holds, insert_act, insert_act_signature, insert_hold, insert_left, is_held, kept_in_state,
    left_of, lift_hold, mailboxes_of, move_act, next_mailbox, objects_of,
};
pub(crate) use upload::{
    Announced, Finished, UploadPart, UploadRange, Whole, add_range, adopt_upload, announced, erase_rejected,
    insert_upload_parts, kept_objects, outcome, outcome_of, reset_part, superseded_objects, upload_contents,
    upload_ranges,
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

/// A value of an enum by its name on the wire, which is its name in storage.
fn named<T: serde::de::DeserializeOwned>(text: String, name: &'static str) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(text)).map_err(|_| StoreError::Corrupt(name))
}

/// The columns of [`message_columns`], in their order.
fn message(row: &Row<'_>) -> Result<Message, StoreError> {
    let certificate = row.blob(3)?.try_into().map_err(|_| StoreError::Corrupt("message.sender_certificate"))?;
    let case = if row.is_null(1)? { None } else { Some(id(row, 1, CaseId::from_bytes, "message.case_id")?) };
    let state = serde_json::from_str(&row.text(7)?).map_err(|_| StoreError::Corrupt("message.standing"))?;
    Ok(Message {
        id: id(row, 0, MessageId::from_bytes, "message.id")?,
        case,
        sender: parsed(row, 2, "message.sender")?,
        sender_certificate: certificate,
        recipient: parsed(row, 4, "message.recipient")?,
        kind: parsed(row, 5, "message.kind")?,
        media_type: MediaType::try_from(row.text(6)?).map_err(|_| StoreError::Corrupt("message.media_type"))?,
        state: Some(state),
        steps: number(row, 8, "message.steps")?,
        accepted_at: if row.is_null(9)? { None } else { Some(row.time(9)?) },
        changed_at: row.time(10)?,
        parts: serde_json::from_str(&row.text(11)?).map_err(|_| StoreError::Corrupt("message.parts"))?,
        metadata: if row.is_null(12)? {
            None
        } else {
            Some(serde_json::from_str(&row.text(12)?).map_err(|_| StoreError::Corrupt("message.metadata"))?)
        },
    })
}

fn number(row: &Row<'_>, column: usize, name: &'static str) -> Result<u32, StoreError> {
    u32::try_from(row.integer(column)?).map_err(|_| StoreError::Corrupt(name))
}

pub(crate) fn read_message(tx: &mut Tx<'_>, id: MessageId) -> Result<Option<Message>, StoreError> {
    let sql = concat!("-- read_message\n SELECT ", message_columns!(), " FROM message WHERE id = $1");
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

/// Takes a message one step on. False where it has moved since it was read, or `lease` is named and does not hold it. What
/// is settled is in nobody's hands any more.
pub(crate) fn step(tx: &mut Tx<'_>, edge: &Edge, lease: Option<LeaseToken>) -> Result<bool, StoreError> {
    let sql = "-- step
        UPDATE message SET state = $2, standing = $3, steps = $4, accepted_at = $5, changed_at = $6, due_at = $7,
            lease_token = CASE WHEN $8 = 1 THEN NULL ELSE lease_token END,
            lease_until = CASE WHEN $8 = 1 THEN NULL ELSE lease_until END
        WHERE id = $1 AND steps = $4 - 1 AND ((lease_token = $9 AND lease_until > $6) OR $9 IS NULL)";
    let message = &edge.message;
    let values = [
        message.id.as_bytes().into(),
        edge.evidence.state.as_str().into(),
        (&edge.standing).into(),
        message.steps.into(),
        message.accepted_at.into(),
        message.changed_at.into(),
        edge.due.into(),
        i64::from(edge.evidence.state.is_settled()).into(),
        lease.as_ref().map_or(Value::Null, |lease| lease.as_bytes().into()),
    ];
    Ok(tx.execute(sql, &values)? == 1)
}

/// Messages in quarantine, oldest first. The condition stands word for word as in their index.
pub(crate) fn quarantined(tx: &mut Tx<'_>, last: Option<MessageId>, limit: u32) -> Result<Vec<Message>, StoreError> {
    let sql = concat!(
        "-- quarantined_messages\n SELECT ",
        message_columns!(),
        " FROM message WHERE state = 'quarantined' AND id > $1 ORDER BY id LIMIT $2"
    );
    let after = last.as_ref().map_or(Value::Blob(&[]), |id| id.as_bytes().into());
    tx.query(sql, &[after, limit.into()], message)
}

/// Messages whose state must be looked at now, the longest due first.
pub(crate) fn due(tx: &mut Tx<'_>, now: OffsetDateTime, limit: u32) -> Result<Vec<Message>, StoreError> {
    let sql = concat!(
        "-- due_messages\n SELECT ",
        message_columns!(),
        " FROM message WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at LIMIT $2"
    );
    tx.query(sql, &[now.into(), limit.into()], message)
}

/// Messages that are due because their keys were destroyed while they waited in a mailbox.
pub(crate) fn keyless(tx: &mut Tx<'_>, now: OffsetDateTime, limit: u32) -> Result<Vec<Message>, StoreError> {
    let sql = concat!(
        "-- keyless_messages\n SELECT ",
        message_columns!(),
        " FROM message WHERE due_at IS NOT NULL AND due_at <= $1 AND key_envelope IS NULL
            AND state IN ('consigned', 'notified') ORDER BY due_at LIMIT $2"
    );
    tx.query(sql, &[now.into(), limit.into()], message)
}

pub(crate) fn insert_evidence(tx: &mut Tx<'_>, evidence: &Evidence) -> Result<(), StoreError> {
    let sql = "-- insert_evidence
        INSERT INTO evidence (id, message_id, step, kind, state, at, event_id, jws)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = [
        evidence.id.as_bytes().into(),
        evidence.message.as_bytes().into(),
        evidence.step.into(),
        evidence.kind.code().into(),
        evidence.state.as_str().into(),
        evidence.at.into(),
        evidence.event.as_bytes().into(),
        (&evidence.jws).into(),
    ];
    tx.execute(sql, &values).map(|_| ())
}

/// Columns id, message_id, step, kind, state, at, event_id, jws.
fn evidence(row: &Row<'_>) -> Result<Evidence, StoreError> {
    Ok(Evidence {
        id: id(row, 0, EvidenceId::from_bytes, "evidence.id")?,
        message: id(row, 1, MessageId::from_bytes, "evidence.message_id")?,
        step: number(row, 2, "evidence.step")?,
        kind: named::<EvidenceKind>(row.text(3)?, "evidence.kind")?,
        state: named::<MessageState>(row.text(4)?, "evidence.state")?,
        at: row.time(5)?,
        event: id(row, 6, EventId::from_bytes, "evidence.event_id")?,
        jws: row.text(7)?,
    })
}
