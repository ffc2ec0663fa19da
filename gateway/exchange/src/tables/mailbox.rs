//! Statements of the recipient's side.

use schemas::message::{MessageState, Part};
use schemas::{CaseId, LeaseToken, MailboxId, MessageId};
use storage::{Row, StoreError, Tx, Value};
use time::OffsetDateTime;

use super::{evidence, id, insert_evidence, message};
use crate::message::{Evidence, Message};

/// `after`: an empty blob sorts before every id.
fn after(id: Option<&MessageId>) -> Value<'_> {
    id.map_or(Value::Blob(&[]), |id| id.as_bytes().into())
}

pub(crate) fn list(
    tx: &mut Tx<'_>,
    mailbox: &MailboxId,
    last: Option<MessageId>,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    let sql = "-- list_messages
        SELECT id, case_id, sender, sender_certificate, recipient, kind, media_type, state, accepted_at, changed_at, parts
        FROM message WHERE recipient = $1 AND id > $2 ORDER BY id LIMIT $3";
    tx.query(sql, &[(&mailbox.to_string()).into(), after(last.as_ref()), limit.into()], message)
}

pub(crate) fn list_in_state(
    tx: &mut Tx<'_>,
    mailbox: &MailboxId,
    state: MessageState,
    last: Option<MessageId>,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    let sql = "-- list_messages_in_state
        SELECT id, case_id, sender, sender_certificate, recipient, kind, media_type, state, accepted_at, changed_at, parts
        FROM message WHERE recipient = $1 AND state = $2 AND id > $3 ORDER BY id LIMIT $4";
    let mailbox = mailbox.to_string();
    tx.query(sql, &[(&mailbox).into(), state.as_str().into(), after(last.as_ref()), limit.into()], message)
}

/// A message that was leased just now.
pub(crate) struct Leased {
    pub(crate) message: Message,
    pub(crate) key_envelope: Vec<u8>,
    pub(crate) lease_count: i64,
}

/// Leases what waits and is not leased, oldest first, in one statement. Each inner query walks the index no further than
/// past the messages that others hold.
pub(crate) fn lease(
    tx: &mut Tx<'_>,
    mailbox: &MailboxId,
    token: LeaseToken,
    until: OffsetDateTime,
    now: OffsetDateTime,
    limit: u32,
) -> Result<Vec<Leased>, StoreError> {
    let sql = "-- lease_messages
        UPDATE message SET lease_token = $1, lease_until = $2, lease_count = lease_count + 1
        WHERE id IN (
            SELECT id FROM (
                SELECT id FROM message
                WHERE recipient = $3 AND state = 'consigned' AND (lease_until IS NULL OR lease_until <= $4)
                ORDER BY id LIMIT $5)
            UNION ALL
            SELECT id FROM (
                SELECT id FROM message
                WHERE recipient = $3 AND state = 'handed_over' AND (lease_until IS NULL OR lease_until <= $4)
                ORDER BY id LIMIT $5)
            ORDER BY id LIMIT $5)
        RETURNING id, case_id, sender, sender_certificate, recipient, kind, media_type, state, accepted_at, changed_at,
            parts, key_envelope, lease_count";
    let mailbox = mailbox.to_string();
    let values = [token.as_bytes().into(), until.into(), (&mailbox).into(), now.into(), limit.into()];
    let mut leased = tx.query(sql, &values, |row| {
        Ok(Leased { message: message(row)?, key_envelope: row.blob(11)?, lease_count: row.integer(12)? })
    })?;
    // RETURNING promises no order.
    leased.sort_by_key(|leased| leased.message.id);
    Ok(leased)
}

/// Who holds a message, and until when.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    token: LeaseToken,
    until: OffsetDateTime,
}

impl Held {
    pub(crate) fn by(self, token: LeaseToken, now: OffsetDateTime) -> bool {
        self.token == token && now < self.until
    }
}

fn held(row: &Row<'_>, column: usize) -> Result<Option<Held>, StoreError> {
    if row.is_null(column)? {
        return Ok(None);
    }
    let token = id(row, column, LeaseToken::from_bytes, "message.lease_token")?;
    Ok(Some(Held { token, until: row.time(column + 1)? }))
}

/// A part with its message.
pub(crate) struct StoredPart {
    pub(crate) message: Message,
    pub(crate) held: Option<Held>,
    pub(crate) part: Part,
    pub(crate) content: super::Content,
}

pub(crate) fn part(tx: &mut Tx<'_>, message_id: MessageId, number: u8) -> Result<Option<StoredPart>, StoreError> {
    let sql = "-- read_part
        SELECT m.id, m.case_id, m.sender, m.sender_certificate, m.recipient, m.kind, m.media_type, m.state, m.accepted_at,
            m.changed_at, m.parts, m.lease_token, m.lease_until, p.object_key, p.content
        FROM message m JOIN part p ON p.message_id = m.id WHERE m.id = $1 AND p.number = $2";
    tx.query_optional(sql, &[message_id.as_bytes().into(), i64::from(number).into()], |row| {
        let message = message(row)?;
        let part = message.parts.iter().find(|part| part.number == number).cloned();
        let part = part.ok_or(StoreError::Corrupt("message.parts"))?;
        let content = if row.is_null(13)? {
            super::Content::Inline(row.blob(14)?)
        } else {
            super::Content::Object(row.text(13)?)
        };
        Ok(StoredPart { message, held: held(row, 11)?, part, content })
    })
}

/// Consigned -> HandedOver, by whoever holds the lease. False where the message moved meanwhile.
pub(crate) fn hand_over(tx: &mut Tx<'_>, lease: LeaseToken, evidence: &Evidence) -> Result<bool, StoreError> {
    let sql = "-- hand_over_message
        UPDATE message SET state = 'handed_over', changed_at = $2
        WHERE id = $1 AND state = 'consigned' AND lease_token = $3 AND lease_until > $2";
    let values = [evidence.message.as_bytes().into(), evidence.at.into(), lease.as_bytes().into()];
    let changed = tx.execute(sql, &values)?;
    if changed == 1 {
        insert_evidence(tx, evidence)?;
    }
    Ok(changed == 1)
}

/// A message before its acknowledgement, or with the one that ended it.
pub(crate) struct Acknowledged {
    pub(crate) message: Message,
    pub(crate) held: Option<Held>,
    /// SHA-256 of the signed acknowledgement, and the evidence that it led to.
    pub(crate) earlier: Option<([u8; 32], Evidence)>,
}

pub(crate) fn acknowledgement(tx: &mut Tx<'_>, message_id: MessageId) -> Result<Option<Acknowledged>, StoreError> {
    let sql = "-- read_for_acknowledgement
        SELECT id, case_id, sender, sender_certificate, recipient, kind, media_type, state, accepted_at, changed_at, parts,
            lease_token, lease_until
        FROM message WHERE id = $1";
    let found = tx.query_optional(sql, &[message_id.as_bytes().into()], |row| Ok((message(row)?, held(row, 11)?)))?;
    let Some((message, held)) = found else { return Ok(None) };
    let earlier = if message.state.is_final() { earlier_acknowledgement(tx, message_id)? } else { None };
    Ok(Some(Acknowledged { message, held, earlier }))
}

fn earlier_acknowledgement(tx: &mut Tx<'_>, message_id: MessageId) -> Result<Option<([u8; 32], Evidence)>, StoreError> {
    let sql = "-- read_acknowledgement
        SELECT e.id, e.message_id, e.kind, e.state, e.at, e.event_id, e.jws, a.sha256
        FROM acknowledgement a JOIN evidence e ON e.message_id = a.message_id AND e.kind IN ('C.3', 'C.4')
        WHERE a.message_id = $1";
    tx.query_optional(sql, &[message_id.as_bytes().into()], |row| {
        let sha256 = row.blob(7)?.try_into().map_err(|_| StoreError::Corrupt("acknowledgement.sha256"))?;
        Ok((sha256, evidence(row)?))
    })
}

/// HandedOver -> the state of the evidence, by whoever holds the lease, which ends here. False where the message moved.
pub(crate) fn acknowledge(
    tx: &mut Tx<'_>,
    lease: LeaseToken,
    evidence: &Evidence,
    sha256: &[u8; 32],
    signed: &[u8],
) -> Result<bool, StoreError> {
    let sql = "-- acknowledge_message
        UPDATE message SET state = $4, changed_at = $2, lease_token = NULL, lease_until = NULL
        WHERE id = $1 AND state = 'handed_over' AND lease_token = $3 AND lease_until > $2";
    let message = evidence.message;
    let values =
        [message.as_bytes().into(), evidence.at.into(), lease.as_bytes().into(), evidence.state.as_str().into()];
    if tx.execute(sql, &values)? != 1 {
        return Ok(false);
    }
    insert_evidence(tx, evidence)?;
    let sql = "-- insert_acknowledgement
        INSERT INTO acknowledgement (message_id, sha256, signed) VALUES ($1, $2, $3)";
    tx.execute(sql, &[message.as_bytes().into(), sha256.into(), signed.into()])?;
    Ok(true)
}

/// All evidence of a case, in the order of the commits.
pub(crate) fn case_evidence(tx: &mut Tx<'_>, case: CaseId) -> Result<Vec<Evidence>, StoreError> {
    let sql = "-- case_evidence
        SELECT e.id, e.message_id, e.kind, e.state, e.at, e.event_id, e.jws
        FROM message m JOIN evidence e ON e.message_id = m.id WHERE m.case_id = $1 ORDER BY e.ordinal";
    tx.query(sql, &[case.as_bytes().into()], evidence)
}
