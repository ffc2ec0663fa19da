//! Statements of announced submissions (migrations/sqlite/0009_uploads.sql).

use schemas::MessageId;
use schemas::announcement::AnnouncedPart;
use schemas::message::{MediaType, MessageState, PartRole, Receipt};
use schemas::scan::PartScan;
use storage::{Row, StoreError, Tx};

use super::hold::forget_held;
use super::intake::{Content, Ended, came_to_nothing, outcome_state};
use super::{evidence, read_message};
use crate::message::{Evidence, Message};

/// A part of an announced submission as its row tells it, without content.
#[derive(Debug, Clone)]
pub(crate) struct UploadPart {
    pub(crate) number: u8,
    pub(crate) role: PartRole,
    pub(crate) of: Option<u8>,
    pub(crate) media_type: MediaType,
    pub(crate) size: u64,
    pub(crate) stated: Option<[u8; 32]>,
    pub(crate) received: u64,
    /// Once all of it is here.
    pub(crate) finished: Option<Whole>,
    /// What the scanner said of it, once it has looked at all of it.
    pub(crate) scan: Option<PartScan>,
}

/// What is known of a part of which all is here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    /// SHA-256 as it was handed in.
    pub(crate) sha256: [u8; 32],
    /// Size in its final, sealed form, in bytes.
    pub(crate) sealed_size: u64,
    /// SHA-256 of that form.
    pub(crate) sealed_sha256: [u8; 32],
}

/// A durable range of a part.
#[derive(Debug, Clone)]
pub(crate) struct UploadRange {
    pub(crate) start: u64,
    pub(crate) length: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) sealed_size: u64,
    /// None: the part is here in its final form.
    pub(crate) content: Option<Content>,
}

/// An announced submission, or what became of it.
pub(crate) struct Announced {
    pub(crate) message: Message,
    pub(crate) parts: Vec<UploadPart>,
    pub(crate) key_envelope: Option<Vec<u8>>,
    /// The evidence of the announcement, V.1.
    pub(crate) first: Evidence,
    /// The evidence of the last step.
    pub(crate) last: Evidence,
}

pub(super) fn bytes(row: &Row<'_>, column: usize, name: &'static str) -> Result<u64, StoreError> {
    u64::try_from(row.integer(column)?).map_err(|_| StoreError::Corrupt(name))
}

pub(super) fn small(row: &Row<'_>, column: usize, name: &'static str) -> Result<u8, StoreError> {
    u8::try_from(row.integer(column)?).map_err(|_| StoreError::Corrupt(name))
}

fn digest(row: &Row<'_>, column: usize, name: &'static str) -> Result<[u8; 32], StoreError> {
    row.blob(column)?.try_into().map_err(|_| StoreError::Corrupt(name))
}

pub(super) fn integer(bytes: u64) -> Result<i64, StoreError> {
    i64::try_from(bytes).map_err(|_| StoreError::Corrupt("a size beyond every bound"))
}

pub(super) fn optional<T>(
    row: &Row<'_>,
    column: usize,
    read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    if row.is_null(column)? { Ok(None) } else { read(row).map(Some) }
}

pub(super) fn content(row: &Row<'_>, key: usize, inline: usize) -> Result<Option<Content>, StoreError> {
    if !row.is_null(key)? {
        return Ok(Some(Content::Object(row.text(key)?)));
    }
    optional(row, inline, |row| row.blob(inline).map(Content::Inline))
}

fn columns(content: Option<&Content>) -> (Option<&str>, Option<&[u8]>) {
    content.map_or((None, None), Content::columns)
}

/// What was announced of each part.
pub(crate) fn insert_upload_parts(
    tx: &mut Tx<'_>,
    message: MessageId,
    parts: &[(AnnouncedPart, Option<[u8; 32]>)],
) -> Result<(), StoreError> {
    let sql = "-- insert_upload_part
        INSERT INTO upload_part (message_id, number, role, signs, media_type, size, stated)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    for (part, stated) in parts {
        let role = role_name(part.role);
        let values = [
            message.as_bytes().into(),
            i64::from(part.number).into(),
            role.into(),
            part.of.map(i64::from).into(),
            part.media_type.as_str().into(),
            integer(part.size)?.into(),
            stated.as_ref().into(),
        ];
        tx.execute(sql, &values)?;
    }
    Ok(())
}

fn role_name(role: PartRole) -> &'static str {
    match role {
        PartRole::Document => "document",
        PartRole::Attachment => "attachment",
        PartRole::Signature => "signature",
    }
}

/// The announcement with everything but contents; None where the message was never announced.
pub(crate) fn announced(tx: &mut Tx<'_>, id: MessageId) -> Result<Option<Announced>, StoreError> {
    let Some(message) = read_message(tx, id)? else { return Ok(None) };
    let Some(first) = evidence_of(tx, id, "V.1")? else { return Ok(None) };
    let envelope = "-- announced_envelope
        SELECT key_envelope FROM message WHERE id = $1";
    let key_envelope =
        tx.query_optional(envelope, &[id.as_bytes().into()], |row| optional(row, 0, |row| row.blob(0)))?;
    Ok(Some(Announced {
        message,
        parts: upload_parts(tx, id)?,
        key_envelope: key_envelope.flatten(),
        first,
        last: last_evidence(tx, id)?,
    }))
}

fn evidence_of(tx: &mut Tx<'_>, id: MessageId, kind: &str) -> Result<Option<Evidence>, StoreError> {
    let sql = "-- evidence_of_kind
        SELECT id, message_id, step, kind, state, at, event_id, jws FROM evidence WHERE message_id = $1 AND kind = $2";
    tx.query_optional(sql, &[id.as_bytes().into(), kind.into()], evidence)
}

fn upload_parts(tx: &mut Tx<'_>, id: MessageId) -> Result<Vec<UploadPart>, StoreError> {
    let sql = "-- upload_parts
        SELECT number, role, signs, media_type, size, stated, received, sha256, sealed_size, sealed_sha256, scan
        FROM upload_part WHERE message_id = $1 ORDER BY number";
    tx.query(sql, &[id.as_bytes().into()], |row| {
        let finished = optional(row, 7, |row| {
            Ok(Whole {
                sha256: digest(row, 7, "upload_part.sha256")?,
                sealed_size: bytes(row, 8, "upload_part.sealed_size")?,
                sealed_sha256: digest(row, 9, "upload_part.sealed_sha256")?,
            })
        });
        Ok(UploadPart {
            number: small(row, 0, "upload_part.number")?,
            role: super::named(row.text(1)?, "upload_part.role")?,
            of: optional(row, 2, |row| small(row, 2, "upload_part.signs"))?,
            media_type: MediaType::try_from(row.text(3)?).map_err(|_| StoreError::Corrupt("upload_part.media_type"))?,
            size: bytes(row, 4, "upload_part.size")?,
            stated: optional(row, 5, |row| digest(row, 5, "upload_part.stated"))?,
            received: bytes(row, 6, "upload_part.received")?,
            finished: finished?,
            scan: optional(row, 10, |row| {
                serde_json::from_str(&row.text(10)?).map_err(|_| StoreError::Corrupt("upload_part.scan"))
            })?,
        })
    })
}

/// The content of each finished part, by number.
pub(crate) fn upload_contents(tx: &mut Tx<'_>, id: MessageId) -> Result<Vec<(u8, Content)>, StoreError> {
    let sql = "-- upload_contents
        SELECT number, object_key, content FROM upload_part WHERE message_id = $1 AND sha256 IS NOT NULL ORDER BY number";
    tx.query(sql, &[id.as_bytes().into()], |row| {
        let content = content(row, 1, 2)?.ok_or(StoreError::Corrupt("upload_part.content"))?;
        Ok((small(row, 0, "upload_part.number")?, content))
    })
}

/// The durable ranges of a part, in their order.
pub(crate) fn upload_ranges(tx: &mut Tx<'_>, id: MessageId, number: u8) -> Result<Vec<UploadRange>, StoreError> {
    let sql = "-- upload_ranges
        SELECT start, length, sha256, sealed_size, object_key, content
        FROM upload_range WHERE message_id = $1 AND number = $2 ORDER BY start";
    tx.query(sql, &[id.as_bytes().into(), i64::from(number).into()], |row| {
        Ok(UploadRange {
            start: bytes(row, 0, "upload_range.start")?,
            length: bytes(row, 1, "upload_range.length")?,
            sha256: digest(row, 2, "upload_range.sha256")?,
            sealed_size: bytes(row, 3, "upload_range.sealed_size")?,
            content: content(row, 4, 5)?,
        })
    })
}

/// A part of which all is here, with its content.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    pub(crate) whole: Whole,
    pub(crate) content: Content,
    pub(crate) scan: Option<PartScan>,
}

/// Adds the range that the part goes on with. False where the part is not there, the message is announced no more, or the
/// range is not the next: then nothing may be committed.
pub(crate) fn add_range(
    tx: &mut Tx<'_>,
    id: MessageId,
    number: u8,
    range: &UploadRange,
    stated: Option<&[u8; 32]>,
    finished: Option<&Finished>,
) -> Result<bool, StoreError> {
    let advance = "-- advance_upload
        UPDATE upload_part SET received = $4, stated = coalesce(stated, $5), sha256 = $6, sealed_size = $7,
            object_key = $8, content = $9, sealed_sha256 = $10, scan = $11
        WHERE message_id = $1 AND number = $2 AND received = $3
            AND EXISTS (SELECT 1 FROM message WHERE id = $1 AND state = 'announced')";
    let (start, length) = (integer(range.start)?, integer(range.length)?);
    let (object_key, content) = columns(finished.map(|finished| &finished.content));
    let scan = finished.and_then(|finished| finished.scan.as_ref()).map(serde_json::to_string).transpose();
    let scan = scan.map_err(|_| StoreError::Corrupt("upload_part.scan"))?;
    let values = [
        id.as_bytes().into(),
        i64::from(number).into(),
        start.into(),
        start.saturating_add(length).into(),
        stated.into(),
        finished.map(|finished| &finished.whole.sha256).into(),
        finished.map(|finished| integer(finished.whole.sealed_size)).transpose()?.into(),
        object_key.into(),
        content.into(),
        finished.map(|finished| &finished.whole.sealed_sha256).into(),
        scan.as_deref().into(),
    ];
    if tx.execute(advance, &values)? != 1 {
        return Ok(false);
    }
    let insert = "-- insert_upload_range
        INSERT INTO upload_range (message_id, number, start, length, sha256, sealed_size, object_key, content)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (object_key, content) = columns(range.content.as_ref());
    let values = [
        id.as_bytes().into(),
        i64::from(number).into(),
        start.into(),
        length.into(),
        (&range.sha256).into(),
        integer(range.sealed_size)?.into(),
        object_key.into(),
        content.into(),
    ];
    tx.execute(insert, &values)?;
    if finished.is_some() {
        let joined = "-- join_upload_ranges
            UPDATE upload_range SET object_key = NULL, content = NULL WHERE message_id = $1 AND number = $2";
        tx.execute(joined, &[id.as_bytes().into(), i64::from(number).into()])?;
    }
    Ok(true)
}

/// Forgets what was received of a part that turned out to be another than the one that was stated. False where another
/// request has moved it on meanwhile.
pub(crate) fn reset_part(tx: &mut Tx<'_>, id: MessageId, number: u8, received: u64) -> Result<bool, StoreError> {
    let reset = "-- reset_upload
        UPDATE upload_part SET received = 0 WHERE message_id = $1 AND number = $2 AND received = $3 AND sha256 IS NULL";
    if tx.execute(reset, &[id.as_bytes().into(), i64::from(number).into(), integer(received)?.into()])? != 1 {
        return Ok(false);
    }
    let ranges = "-- delete_upload_ranges
        DELETE FROM upload_range WHERE message_id = $1 AND number = $2";
    tx.execute(ranges, &[id.as_bytes().into(), i64::from(number).into()])?;
    Ok(true)
}

/// The objects that the message's upload has left so far, and those of its parts.
pub(crate) fn kept_objects(tx: &mut Tx<'_>, id: MessageId) -> Result<Vec<String>, StoreError> {
    let sql = "-- kept_objects
        SELECT object_key FROM upload_part WHERE message_id = $1 AND object_key IS NOT NULL
        UNION ALL SELECT object_key FROM upload_range WHERE message_id = $1 AND object_key IS NOT NULL
        UNION ALL SELECT object_key FROM part WHERE message_id = $1 AND object_key IS NOT NULL
        UNION ALL SELECT object_key FROM held_signature WHERE message_id = $1 AND object_key IS NOT NULL";
    tx.query(sql, &[id.as_bytes().into()], |row| row.text(0))
}

/// Objects of ranges that are no part of a finished part (there are none where all went well), and of signatures that were
/// kept to be judged again.
pub(crate) fn superseded_objects(tx: &mut Tx<'_>, id: MessageId) -> Result<Vec<String>, StoreError> {
    let sql = "-- superseded_objects
        SELECT object_key FROM upload_range WHERE message_id = $1 AND object_key IS NOT NULL
        UNION ALL SELECT object_key FROM held_signature WHERE message_id = $1 AND object_key IS NOT NULL";
    tx.query(sql, &[id.as_bytes().into()], |row| row.text(0))
}

/// Forgets the upload, and what was kept while it waited: its parts are a message's now, or nobody's.
fn forget_upload(tx: &mut Tx<'_>, id: MessageId) -> Result<(), StoreError> {
    forget_held(tx, id)?;
    let ranges = "-- forget_upload_ranges
        DELETE FROM upload_range WHERE message_id = $1";
    tx.execute(ranges, &[id.as_bytes().into()])?;
    let parts = "-- forget_upload_parts
        DELETE FROM upload_part WHERE message_id = $1";
    tx.execute(parts, &[id.as_bytes().into()]).map(|_| ())
}

/// Of a rejected submission nothing stays but that it was there: the key is destroyed, the parts are named no more.
pub(crate) fn erase_rejected(tx: &mut Tx<'_>, id: MessageId) -> Result<(), StoreError> {
    forget_upload(tx, id)?;
    let parts = "-- erase_rejected_parts
        DELETE FROM part WHERE message_id = $1";
    tx.execute(parts, &[id.as_bytes().into()])?;
    let key = "-- erase_rejected_key
        UPDATE message SET key_envelope = NULL WHERE id = $1";
    tx.execute(key, &[id.as_bytes().into()]).map(|_| ())
}

/// What was uploaded becomes the message's: its parts, their description, its case, and the key where it is wrapped anew.
pub(crate) fn adopt_upload(
    tx: &mut Tx<'_>,
    message: &Message,
    parts_json: &str,
    key_envelope: Option<&[u8]>,
) -> Result<(), StoreError> {
    let id = message.id;
    let describe = "-- adopt_upload
        UPDATE message SET case_id = $2, parts = $3, key_envelope = coalesce($4, key_envelope) WHERE id = $1";
    let case = message.case;
    let case = case.as_ref().map(schemas::CaseId::as_bytes);
    tx.execute(describe, &[id.as_bytes().into(), case.into(), parts_json.into(), key_envelope.into()])?;
    let adopt = "-- adopt_parts
        INSERT INTO part (message_id, number, object_key, content)
        SELECT message_id, number, object_key, content FROM upload_part WHERE message_id = $1";
    tx.execute(adopt, &[id.as_bytes().into()])?;
    forget_upload(tx, id)
}

/// What became of an announced submission that was sent: its receipt, or how it ended. None: nothing yet.
pub(crate) fn outcome(tx: &mut Tx<'_>, announced: &Announced) -> Result<Option<Result<Receipt, Ended>>, StoreError> {
    outcome_of(tx, &announced.message)
}

/// The same of any message.
pub(crate) fn outcome_of(tx: &mut Tx<'_>, message: &Message) -> Result<Option<Result<Receipt, Ended>>, StoreError> {
    let state = message.state.as_ref().map_or(MessageState::Submitted, outcome_state);
    if came_to_nothing(state) {
        let last = last_evidence(tx, message.id)?;
        return Ok(Some(Err(Ended { message: message.id, state, evidence: last.jws })));
    }
    if matches!(state, MessageState::Announced | MessageState::Submitted) {
        return Ok(None);
    }
    let accepted = evidence_of(tx, message.id, "A.1")?.ok_or(StoreError::Corrupt("evidence"))?;
    let (case_id, accepted_at) = message.case.zip(message.accepted_at).ok_or(StoreError::Corrupt("message.case_id"))?;
    Ok(Some(Ok(Receipt {
        message_id: message.id,
        case_id,
        accepted_at,
        parts: message.parts.clone(),
        event_id: accepted.event,
        evidence: accepted.jws,
    })))
}

pub(super) fn last_evidence(tx: &mut Tx<'_>, id: MessageId) -> Result<Evidence, StoreError> {
    let sql = "-- last_evidence
        SELECT id, message_id, step, kind, state, at, event_id, jws FROM evidence WHERE message_id = $1
        ORDER BY step DESC LIMIT 1";
    tx.query_optional(sql, &[id.as_bytes().into()], evidence)?.ok_or(StoreError::Corrupt("evidence"))
}
