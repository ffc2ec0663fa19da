//! The statements of the key ring over `message.key_envelope` (migrations/sqlite/0004_exchange.sql).

use schemas::MessageId;
use storage::{StoreError, Tx, Value};

/// The envelope of a message, where it has one.
pub(super) type Enveloped = (MessageId, Option<Vec<u8>>);

/// The next messages after `after`, by id; all of them where that is None.
pub(super) fn envelopes(tx: &mut Tx<'_>, after: Option<MessageId>, limit: u32) -> Result<Vec<Enveloped>, StoreError> {
    let sql = "-- ring_envelopes
        SELECT id, key_envelope FROM message WHERE id > $1 ORDER BY id LIMIT $2";
    // No message has an id of nothing but zeros: it would have no version.
    let after = after.map_or([0; 16], |id| *id.as_bytes());
    tx.query(sql, &[(&after).into(), limit.into()], |row| {
        let id = MessageId::from_bytes(&row.blob(0)?).map_err(|_| StoreError::Corrupt("message.id"))?;
        let envelope = if row.is_null(1)? { None } else { Some(row.blob(1)?) };
        Ok((id, envelope))
    })
}

/// Puts another envelope in the place of `old`, or none. False where `old` is not there any more: what was destroyed in the meantime
/// does not come back. A message that waits in a mailbox for nothing then is due at once: the node's timer states its end.
pub(super) fn replace(tx: &mut Tx<'_>, message: MessageId, old: &[u8], new: Option<&[u8]>) -> Result<bool, StoreError> {
    let sql = "-- replace_ring_envelope
        UPDATE message SET key_envelope = $3,
            due_at = CASE WHEN ($3 = key_envelope) IS NULL AND state IN ('consigned', 'notified') THEN 0 ELSE due_at END
        WHERE id = $1 AND key_envelope = $2";
    let new = new.map_or(Value::Null, Value::Blob);
    Ok(tx.execute(sql, &[message.as_bytes().into(), old.into(), new])? == 1)
}
