//! Statements of submissions that wait for a fact (migrations/sqlite/0013_held.sql).

use schemas::limits::HELD_SUBMISSIONS;
use schemas::message::{HeldReceipt, MessageState, State};
use schemas::{Edrpou, JobId, MessageId};
use storage::{StoreError, Tx, jobs};
use time::OffsetDateTime;

use super::upload::{bytes, content, integer, last_evidence, optional, small};
use super::{Content, read_message};
use crate::message::Message;

/// A signature that is judged again, sealed, and what is known of the part that it signs.
#[derive(Debug, Clone)]
pub(crate) struct HeldSignature {
    /// The part that is this signature.
    pub(crate) number: u8,
    /// The part that it signs.
    pub(crate) of: u8,
    /// JSON: object identifier and hexadecimal value of each digest of that part.
    pub(crate) digests: String,
    pub(crate) sealed_size: u64,
    pub(crate) content: Content,
}

/// What is kept of a submission while it waits, beside the message itself.
#[derive(Debug, Clone)]
pub(crate) struct WaitingSignatures {
    /// The key of the sealed signatures, under the node's key ring.
    pub(crate) wrapped_key: Vec<u8>,
    /// DER of the certificate that the document's key is sealed to; None where the node holds the key for the recipient.
    pub(crate) encryption_certificate: Option<Vec<u8>>,
    /// By their numbers.
    pub(crate) signatures: Vec<HeldSignature>,
}

/// A submission that waits, as it is judged again.
pub(crate) struct HeldMessage {
    pub(crate) message: Message,
    /// The document's key was destroyed with a key of the ring.
    pub(crate) key_is_gone: bool,
    pub(crate) kept: WaitingSignatures,
}

/// A submission that begins to wait.
pub(crate) struct NewHold {
    pub(crate) kept: WaitingSignatures,
    pub(crate) until: OffsetDateTime,
    pub(crate) job: JobId,
    pub(crate) first_look: OffsetDateTime,
}

/// Keeps what the message is judged by, and the job that does it. Its idempotency key is remembered for as long as it waits. False
/// where more of its sender's would wait than may: then nothing may be committed.
pub(crate) fn insert_waiting(
    tx: &mut Tx<'_>,
    message: &Message,
    kind: &str,
    hold: &NewHold,
) -> Result<bool, StoreError> {
    let id = message.id;
    if count_open(tx, message.sender, MessageState::Submitted, HELD_SUBMISSIONS)? > HELD_SUBMISSIONS {
        return Ok(false);
    }
    let held = "-- insert_held
        INSERT INTO held (message_id, wrapped_key, encryption_certificate) VALUES ($1, $2, $3)";
    let kept = &hold.kept;
    let certificate = kept.encryption_certificate.as_deref();
    tx.execute(held, &[id.as_bytes().into(), (&kept.wrapped_key).into(), certificate.into()])?;
    let signature = "-- insert_held_signature
        INSERT INTO held_signature (message_id, number, signs, digests, sealed_size, object_key, content)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    for one in &kept.signatures {
        let (object_key, inline) = one.content.columns();
        let values = [
            id.as_bytes().into(),
            i64::from(one.number).into(),
            i64::from(one.of).into(),
            (&one.digests).into(),
            integer(one.sealed_size)?.into(),
            object_key.into(),
            inline.into(),
        ];
        tx.execute(signature, &values)?;
    }
    remember_key(tx, message.sender, id, hold.until)?;
    jobs::enqueue(tx, hold.job, kind, id.as_bytes(), hold.first_look)?;
    Ok(true)
}

/// How many submissions of a sender are in this state, which is one that the index names; counted no further than to one more than `most`. The
/// states stand there word for word as in the condition of the index.
pub(crate) fn count_open(tx: &mut Tx<'_>, sender: Edrpou, state: MessageState, most: u64) -> Result<u64, StoreError> {
    let sql = "-- count_open
        SELECT count(*) FROM (
            SELECT 1 FROM message WHERE sender = $1 AND state = $3
                AND state IN ('announced', 'submitted', 'rejected', 'relay_failed', 'quarantined', 'refused', 'expired')
            LIMIT $2) AS open";
    let values = [sender.as_str().into(), integer(most.saturating_add(1))?.into(), state.as_str().into()];
    let count = tx.query_optional(sql, &values, |row| row.integer(0))?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

/// A key is forgotten a week after its time; a submission may wait for longer, and its repeat must find it.
fn remember_key(tx: &mut Tx<'_>, sender: Edrpou, id: MessageId, until: OffsetDateTime) -> Result<(), StoreError> {
    let sql = "-- remember_submission_key
        UPDATE submission_key SET accepted_at = $3 WHERE sender = $1 AND message_id = $2 AND accepted_at < $3";
    tx.execute(sql, &[sender.as_str().into(), id.as_bytes().into(), until.into()]).map(|_| ())
}

/// The message, with what is kept of it while it waits. None where it does not wait.
pub(crate) fn waiting(tx: &mut Tx<'_>, id: MessageId) -> Result<Option<HeldMessage>, StoreError> {
    let Some(message) = read_message(tx, id)? else { return Ok(None) };
    let sql = "-- held
        SELECT wrapped_key, encryption_certificate, key_envelope IS NULL
        FROM held JOIN message ON message.id = message_id WHERE message_id = $1";
    let found = tx.query_optional(sql, &[id.as_bytes().into()], |row| {
        Ok((row.blob(0)?, optional(row, 1, |row| row.blob(1))?, row.integer(2)? == 1))
    })?;
    let Some((wrapped_key, encryption_certificate, key_is_gone)) = found else { return Ok(None) };
    let sql = "-- held_signatures
        SELECT number, signs, digests, sealed_size, object_key, content
        FROM held_signature WHERE message_id = $1 ORDER BY number";
    let signatures = tx.query(sql, &[id.as_bytes().into()], |row| {
        Ok(HeldSignature {
            number: small(row, 0, "held_signature.number")?,
            of: small(row, 1, "held_signature.signs")?,
            digests: row.text(2)?,
            sealed_size: bytes(row, 3, "held_signature.sealed_size")?,
            content: content(row, 4, 5)?.ok_or(StoreError::Corrupt("held_signature.content"))?,
        })
    })?;
    let kept = WaitingSignatures { wrapped_key, encryption_certificate, signatures };
    Ok(Some(HeldMessage { message, key_is_gone, kept }))
}

/// Puts the key under the ring's current key. False where another process did so, or the message waits no more.
pub(crate) fn rewrap_held(tx: &mut Tx<'_>, id: MessageId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
    let sql = "-- rewrap_held
        UPDATE held SET wrapped_key = $3 WHERE message_id = $1 AND wrapped_key = $2";
    Ok(tx.execute(sql, &[id.as_bytes().into(), old.into(), new.into()])? == 1)
}

/// It waits no more.
pub(super) fn forget_held(tx: &mut Tx<'_>, id: MessageId) -> Result<(), StoreError> {
    let signatures = "-- forget_held_signatures
        DELETE FROM held_signature WHERE message_id = $1";
    tx.execute(signatures, &[id.as_bytes().into()])?;
    let held = "-- forget_held
        DELETE FROM held WHERE message_id = $1";
    tx.execute(held, &[id.as_bytes().into()]).map(|_| ())
}

/// What the sender of a message that waits holds in its hands; None where it does not wait.
pub(crate) fn held_receipt(tx: &mut Tx<'_>, id: MessageId) -> Result<Option<HeldReceipt>, StoreError> {
    let Some(message) = read_message(tx, id)? else { return Ok(None) };
    let Some(State::Submitted { missing, until }) = message.state.clone() else { return Ok(None) };
    let last = last_evidence(tx, id)?;
    Ok(Some(HeldReceipt {
        message_id: id,
        state: message.standing(),
        accepted: false,
        missing,
        until,
        parts: message.parts,
        event_id: last.event,
        evidence: last.jws,
    }))
}
