//! Statements of the recipient's side.

use crypto::seal::ring::WRAPPED_BYTES;
use schemas::message::{MessageState, Part};
use schemas::{CaseId, Edrpou, LeaseToken, MailboxId, MessageId};
use storage::{Row, StoreError, Tx, Value};
use time::OffsetDateTime;

use super::{evidence, id, message};
use crate::message::{Evidence, Message};

/// `after`: an empty blob sorts before every id.
fn after(id: Option<&MessageId>) -> Value<'_> {
    id.map_or(Value::Blob(&[]), |id| id.as_bytes().into())
}

/// What lies in a mailbox or lay there. A submission that the node has not accepted is none of the recipient's business.
pub(crate) fn list(
    tx: &mut Tx<'_>,
    mailbox: &MailboxId,
    last: Option<MessageId>,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    let sql = concat!(
        "-- list_messages\n SELECT ",
        message_columns!(),
        " FROM message WHERE recipient = $1 AND id > $2 AND state NOT IN ('announced', 'submitted', 'rejected')
        ORDER BY id LIMIT $3"
    );
    tx.query(sql, &[(&mailbox.to_string()).into(), after(last.as_ref()), limit.into()], message)
}

pub(crate) fn list_in_state(
    tx: &mut Tx<'_>,
    mailbox: &MailboxId,
    state: MessageState,
    last: Option<MessageId>,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    let sql = concat!(
        "-- list_messages_in_state\n SELECT ",
        message_columns!(),
        " FROM message WHERE recipient = $1 AND state = $2 AND id > $3
            AND state NOT IN ('announced', 'submitted', 'rejected')
        ORDER BY id LIMIT $4"
    );
    let mailbox = mailbox.to_string();
    tx.query(sql, &[(&mailbox).into(), state.as_str().into(), after(last.as_ref()), limit.into()], message)
}

/// What a participant handed in, whatever became of it.
pub(crate) fn sent(
    tx: &mut Tx<'_>,
    sender: Edrpou,
    last: Option<MessageId>,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    let sql = concat!(
        "-- sent_messages\n SELECT ",
        message_columns!(),
        " FROM message WHERE sender = $1 AND id > $2 ORDER BY id LIMIT $3"
    );
    tx.query(sql, &[sender.as_str().into(), after(last.as_ref()), limit.into()], message)
}

/// The same in one state. For what did not go well there is an index: its condition stands in the second statement word for
/// word, or SQLite would not use it.
pub(crate) fn sent_in_state(
    tx: &mut Tx<'_>,
    sender: Edrpou,
    state: MessageState,
    last: Option<MessageId>,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    let any = concat!(
        "-- sent_messages_in_state\n SELECT ",
        message_columns!(),
        " FROM message WHERE sender = $1 AND state = $2 AND id > $3 ORDER BY id LIMIT $4"
    );
    let troubled = concat!(
        "-- troubled_messages\n SELECT ",
        message_columns!(),
        " FROM message WHERE sender = $1 AND state = $2 AND id > $3
            AND state IN ('announced', 'submitted', 'rejected', 'relay_failed', 'quarantined', 'refused', 'expired')
        ORDER BY id LIMIT $4"
    );
    let sql = match state {
        MessageState::Announced
        | MessageState::Submitted
        | MessageState::Rejected
        | MessageState::RelayFailed
        | MessageState::Quarantined
        | MessageState::Refused
        | MessageState::Expired => troubled,
        _ => any,
    };
    tx.query(sql, &[sender.as_str().into(), state.as_str().into(), after(last.as_ref()), limit.into()], message)
}

/// A message that was leased just now.
pub(crate) struct Leased {
    pub(crate) message: Message,
    /// None: destroyed.
    pub(crate) key_envelope: Option<Vec<u8>>,
    pub(crate) lease_count: i64,
}

/// Whether anything could be leased.
pub(crate) fn something_waits(tx: &mut Tx<'_>, mailbox: &MailboxId, now: OffsetDateTime) -> Result<bool, StoreError> {
    let sql = "-- something_waits
        SELECT EXISTS (
            SELECT 1 FROM message
            WHERE recipient = $1 AND state IN ('consigned', 'notified', 'handed_over')
                AND (lease_until IS NULL OR lease_until <= $2))";
    let found = tx.query_optional(sql, &[(&mailbox.to_string()).into(), now.into()], |row| row.integer(0))?;
    Ok(found == Some(1))
}

/// How many messages wait, counted no further than `most`.
pub(crate) fn count_waiting(tx: &mut Tx<'_>, mailbox: &MailboxId, most: u64) -> Result<u64, StoreError> {
    let sql = "-- count_waiting
        SELECT count(*) FROM (
            SELECT 1 FROM message
            WHERE recipient = $1 AND state IN ('consigned', 'notified', 'handed_over') LIMIT $2) AS waiting";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let count = tx.query_optional(sql, &[(&mailbox.to_string()).into(), most.into()], |row| row.integer(0))?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
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
    let sql = concat!(
        "-- lease_messages
        UPDATE message SET lease_token = $1, lease_until = $2, lease_count = lease_count + 1
        WHERE id IN (
            SELECT id FROM (
                SELECT id FROM message
                WHERE recipient = $3 AND state = 'consigned' AND (lease_until IS NULL OR lease_until <= $4)
                ORDER BY id LIMIT $5) AS it
            UNION ALL
            SELECT id FROM (
                SELECT id FROM message
                WHERE recipient = $3 AND state = 'notified' AND (lease_until IS NULL OR lease_until <= $4)
                ORDER BY id LIMIT $5) AS it
            UNION ALL
            SELECT id FROM (
                SELECT id FROM message
                WHERE recipient = $3 AND state = 'handed_over' AND (lease_until IS NULL OR lease_until <= $4)
                ORDER BY id LIMIT $5) AS it
            ORDER BY id LIMIT $5)
        RETURNING ",
        message_columns!(),
        ", key_envelope, lease_count"
    );
    let mailbox = mailbox.to_string();
    let values = [token.as_bytes().into(), until.into(), (&mailbox).into(), now.into(), limit.into()];
    let mut leased = tx.query(sql, &values, |row| {
        let key_envelope = if row.is_null(13)? { None } else { Some(row.blob(13)?) };
        Ok(Leased { message: message(row)?, key_envelope, lease_count: row.integer(14)? })
    })?;
    // RETURNING promises no order.
    leased.sort_by_key(|leased| leased.message.id);
    Ok(leased)
}

/// The sealed parts of a message that lie in their rows, by number.
pub(crate) fn inline_parts(tx: &mut Tx<'_>, message_id: MessageId) -> Result<Vec<(u8, Vec<u8>)>, StoreError> {
    let sql = "-- inline_parts
        SELECT number, content FROM part WHERE message_id = $1 AND content IS NOT NULL ORDER BY number";
    tx.query(sql, &[message_id.as_bytes().into()], |row| {
        let number = u8::try_from(row.integer(0)?).map_err(|_| StoreError::Corrupt("part.number"))?;
        Ok((number, row.blob(1)?))
    })
}

/// Who holds a message, and until when.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    token: LeaseToken,
    until: OffsetDateTime,
}

impl Held {
    pub(crate) fn new(token: LeaseToken, until: OffsetDateTime) -> Self {
        Self { token, until }
    }

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
    /// How the key lies, where not in an envelope to a certificate.
    pub(crate) key: StoredKey,
}

/// How the document key of a message lies.
pub(crate) enum StoredKey {
    /// In an envelope to a certificate, which is not read.
    Enveloped,
    /// Under the node's ring.
    Ring(Vec<u8>),
    /// Nowhere.
    Destroyed,
}

pub(crate) fn part(tx: &mut Tx<'_>, message_id: MessageId, number: u8) -> Result<Option<StoredPart>, StoreError> {
    let sql = concat!(
        "-- read_part\n SELECT ",
        message_columns!(),
        ", lease_token, lease_until, object_key, content,
        key_envelope IS NULL, CASE WHEN length(key_envelope) = $3 THEN key_envelope END
        FROM message JOIN part ON part.message_id = message.id WHERE message.id = $1 AND part.number = $2"
    );
    // An envelope to a certificate is some times as long, and nobody needs it here.
    let ring_bytes = i64::try_from(WRAPPED_BYTES).map_err(|_| StoreError::Corrupt("message.key_envelope"))?;
    tx.query_optional(sql, &[message_id.as_bytes().into(), i64::from(number).into(), ring_bytes.into()], |row| {
        let message = message(row)?;
        let part = message.parts.iter().find(|part| part.number == number).cloned();
        let part = part.ok_or(StoreError::Corrupt("message.parts"))?;
        let content = if row.is_null(15)? {
            super::Content::Inline(row.blob(16)?)
        } else {
            super::Content::Object(row.text(15)?)
        };
        let key = match (row.integer(17)?, row.is_null(18)?) {
            (1, _) => StoredKey::Destroyed,
            (_, true) => StoredKey::Enveloped,
            (_, false) => StoredKey::Ring(row.blob(18)?),
        };
        Ok(StoredPart { message, held: held(row, 13)?, part, content, key })
    })
}

/// A message before its acknowledgement, or with the one that ended it.
pub(crate) struct Acknowledged {
    pub(crate) message: Message,
    pub(crate) held: Option<Held>,
    /// SHA-256 of each acknowledgement that came before, and the evidence that it led to.
    pub(crate) earlier: Vec<([u8; 32], Evidence)>,
}

pub(crate) fn acknowledgement(tx: &mut Tx<'_>, message_id: MessageId) -> Result<Option<Acknowledged>, StoreError> {
    let sql = concat!(
        "-- read_for_acknowledgement\n SELECT ",
        message_columns!(),
        ", lease_token, lease_until FROM message WHERE id = $1"
    );
    let found = tx.query_optional(sql, &[message_id.as_bytes().into()], |row| Ok((message(row)?, held(row, 13)?)))?;
    let Some((message, held)) = found else { return Ok(None) };
    let earlier = if message.standing().is_settled() { earlier(tx, message_id)? } else { Vec::new() };
    Ok(Some(Acknowledged { message, held, earlier }))
}

fn earlier(tx: &mut Tx<'_>, message_id: MessageId) -> Result<Vec<([u8; 32], Evidence)>, StoreError> {
    let sql = "-- read_acknowledgements
        SELECT e.id, e.message_id, e.step, e.kind, e.state, e.at, e.event_id, e.jws, a.sha256
        FROM acknowledgement a JOIN evidence e ON e.message_id = a.message_id AND e.step = a.step
        WHERE a.message_id = $1 ORDER BY a.step";
    tx.query(sql, &[message_id.as_bytes().into()], |row| {
        let sha256 = row.blob(8)?.try_into().map_err(|_| StoreError::Corrupt("acknowledgement.sha256"))?;
        Ok((sha256, evidence(row)?))
    })
}

/// What the recipient said, as it came, and the evidence that it led to.
pub(crate) fn insert_acknowledgement(
    tx: &mut Tx<'_>,
    evidence: &Evidence,
    sha256: &[u8; 32],
    spoken: &[u8],
) -> Result<(), StoreError> {
    let sql = "-- insert_acknowledgement
        INSERT INTO acknowledgement (message_id, step, sha256, spoken) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, &[evidence.message.as_bytes().into(), evidence.step.into(), sha256.into(), spoken.into()])
        .map(|_| ())
}

/// All evidence of a case, in the order of the commits.
pub(crate) fn case_evidence(
    tx: &mut Tx<'_>,
    case: CaseId,
    participant: Option<Edrpou>,
) -> Result<Vec<Evidence>, StoreError> {
    let sql = concat!(
        "-- case_evidence
        SELECT e.id, e.message_id, e.step, e.kind, e.state, e.at, e.event_id, e.jws
        FROM (SELECT id AS message FROM message WHERE case_id = $1 AND ",
        concerns!(),
        ") AS named JOIN evidence e ON e.message_id = message ORDER BY e.ordinal"
    );
    let participant = participant.as_ref().map(Edrpou::as_str);
    tx.query(sql, &[case.as_bytes().into(), participant.into()], evidence)
}
