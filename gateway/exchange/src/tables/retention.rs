//! Statements of retention (migrations/sqlite/0012_retention.sql).

use std::ops::Range;

use schemas::message::MessageState;
use schemas::retention::{
    ActDocument, ActResult, ActState, ActSummary, Hold, HoldSubject, LeftMessage, Lifted, WhyLeft,
};
use schemas::{CaseId, DisposalActId, Edrpou, HoldId, MessageId, RetentionClass};
use storage::{Row, StoreError, Tx, Value};
use time::OffsetDateTime;

use super::{id, message, named, number, parsed};
use crate::message::Message;

/// Whether a message is under a hold, of its own or of its case.
pub(crate) fn is_held(tx: &mut Tx<'_>, message: MessageId) -> Result<bool, StoreError> {
    let sql = "-- is_held
        SELECT EXISTS (SELECT 1 FROM legal_hold WHERE message_id = $1 AND lifted_at IS NULL)
            OR EXISTS (SELECT 1 FROM message m JOIN legal_hold h ON h.case_id = m.case_id
                WHERE m.id = $1 AND m.accepted_at IS NOT NULL AND h.lifted_at IS NULL)";
    Ok(tx.query_optional(sql, &[message.as_bytes().into()], |row| row.integer(0))? == Some(1))
}

/// What was found of the subject of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoldFound {
    /// It is under the hold now.
    Kept,
    /// It is there, and nothing of it is kept: nothing was written.
    Nothing,
    /// It is not there.
    Unknown,
}

/// Places a hold, where there is something to be held.
pub(crate) fn insert_hold(tx: &mut Tx<'_>, hold: &Hold) -> Result<HoldFound, StoreError> {
    let of_message = "-- hold_message
        INSERT INTO legal_hold (id, message_id, reason, placed_by, placed_at)
        SELECT $1, id, $3, $4, $5 FROM message WHERE id = $2 AND accepted_at IS NOT NULL AND state <> 'erased'";
    let of_case = "-- hold_case
        INSERT INTO legal_hold (id, case_id, reason, placed_by, placed_at)
        SELECT $1, id, $3, $4, $5 FROM exchange_case WHERE id = $2";
    let (sql, subject) = match &hold.subject {
        HoldSubject::Message(message) => (of_message, message.as_bytes()),
        HoldSubject::Case(case) => (of_case, case.as_bytes()),
    };
    let values = [
        hold.hold_id.as_bytes().into(),
        subject.into(),
        (&hold.reason).into(),
        (&hold.placed_by).into(),
        hold.placed_at.into(),
    ];
    if tx.execute(sql, &values)? == 1 {
        return Ok(HoldFound::Kept);
    }
    let known = match hold.subject {
        HoldSubject::Message(message) => super::parties(tx, message)?.is_some(),
        HoldSubject::Case(_) => false,
    };
    Ok(if known { HoldFound::Nothing } else { HoldFound::Unknown })
}

/// False where it was lifted before.
pub(crate) fn lift_hold(tx: &mut Tx<'_>, hold: HoldId, end: &Lifted) -> Result<bool, StoreError> {
    let sql = "-- lift_hold
        UPDATE legal_hold SET lifted_at = $2, lifted_by = $3, lift_reason = $4 WHERE id = $1 AND lifted_at IS NULL";
    let values = [hold.as_bytes().into(), end.at.into(), (&end.by).into(), (&end.reason).into()];
    Ok(tx.execute(sql, &values)? == 1)
}

/// Columns id, message_id, case_id, reason, placed_by, placed_at, lifted_at, lifted_by, lift_reason.
fn read_hold(row: &Row<'_>) -> Result<Hold, StoreError> {
    let subject = if row.is_null(1)? {
        HoldSubject::Case(id(row, 2, CaseId::from_bytes, "legal_hold.case_id")?)
    } else {
        HoldSubject::Message(id(row, 1, MessageId::from_bytes, "legal_hold.message_id")?)
    };
    let lifted =
        if row.is_null(6)? { None } else { Some(Lifted { at: row.time(6)?, by: row.text(7)?, reason: row.text(8)? }) };
    Ok(Hold {
        hold_id: id(row, 0, HoldId::from_bytes, "legal_hold.id")?,
        subject,
        reason: row.text(3)?,
        placed_by: row.text(4)?,
        placed_at: row.time(5)?,
        lifted,
    })
}

pub(crate) fn hold(tx: &mut Tx<'_>, hold: HoldId) -> Result<Option<Hold>, StoreError> {
    let sql = "-- read_hold
        SELECT id, message_id, case_id, reason, placed_by, placed_at, lifted_at, lifted_by, lift_reason
        FROM legal_hold WHERE id = $1";
    tx.query_optional(sql, &[hold.as_bytes().into()], read_hold)
}

/// Holds after `after`, oldest first: those in force, or all.
pub(crate) fn holds(tx: &mut Tx<'_>, lifted: bool, after: Option<HoldId>, limit: u32) -> Result<Vec<Hold>, StoreError> {
    let all = "-- all_holds
        SELECT id, message_id, case_id, reason, placed_by, placed_at, lifted_at, lifted_by, lift_reason
        FROM legal_hold WHERE id > $1 ORDER BY id LIMIT $2";
    let in_force = "-- holds_in_force
        SELECT id, message_id, case_id, reason, placed_by, placed_at, lifted_at, lifted_by, lift_reason
        FROM legal_hold WHERE lifted_at IS NULL AND id > $1 ORDER BY id LIMIT $2";
    let after = after.as_ref().map_or(Value::Blob(&[]), |id| id.as_bytes().into());
    tx.query(if lifted { all } else { in_force }, &[after, limit.into()], read_hold)
}

/// Between which texts the mailboxes of a participant lie, or all of them: both ends are no mailboxes.
pub(crate) fn mailboxes_of(participant: Option<Edrpou>) -> Range<String> {
    match participant {
        // What follows the dot of a mailbox, and the digits of a code.
        Some(edrpou) => format!("{edrpou}.")..format!("{edrpou}/"),
        None => String::new()..":".to_owned(),
    }
}

/// The first mailbox after `after` and before `end` that ever got a message.
pub(crate) fn next_mailbox(tx: &mut Tx<'_>, after: &str, end: &str) -> Result<Option<String>, StoreError> {
    let sql = "-- next_mailbox
        SELECT recipient FROM message WHERE recipient > $1 AND recipient < $2 ORDER BY recipient LIMIT 1";
    tx.query_optional(sql, &[after.into(), end.into()], |row| row.text(0))
}

/// Messages of a mailbox in a state, oldest first.
pub(crate) fn kept_in_state(
    tx: &mut Tx<'_>,
    mailbox: &str,
    state: MessageState,
    after: Option<MessageId>,
    before: MessageId,
    limit: usize,
) -> Result<Vec<Message>, StoreError> {
    let sql = concat!(
        "-- kept_in_state\n SELECT ",
        message_columns!(),
        " FROM message WHERE recipient = $1 AND state = $2 AND id > $3 AND id < $4 ORDER BY id LIMIT $5"
    );
    let after = after.as_ref().map_or(Value::Blob(&[]), |id| id.as_bytes().into());
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    tx.query(sql, &[mailbox.into(), state.as_str().into(), after, before.as_bytes().into(), limit.into()], message)
}

/// The objects of a message's parts.
pub(crate) fn objects_of(tx: &mut Tx<'_>, message: MessageId) -> Result<Vec<String>, StoreError> {
    let sql = "-- objects_of_message
        SELECT object_key FROM part WHERE message_id = $1 AND object_key IS NOT NULL";
    tx.query(sql, &[message.as_bytes().into()], |row| row.text(0))
}

/// Destroys the content of a message: parts, key, metadata, what its recipient said. Its digests stay.
pub(crate) fn erase_content(tx: &mut Tx<'_>, message: MessageId) -> Result<(), StoreError> {
    let parts = "-- erase_parts
        DELETE FROM part WHERE message_id = $1";
    let key = "-- erase_key
        UPDATE message SET key_envelope = NULL, metadata = NULL WHERE id = $1";
    let spoken = "-- erase_acknowledgements
        UPDATE acknowledgement SET spoken = $2 WHERE message_id = $1";
    for sql in [parts, key] {
        tx.execute(sql, &[message.as_bytes().into()])?;
    }
    tx.execute(spoken, &[message.as_bytes().into(), (&[0_u8; 0]).into()])?;
    Ok(())
}

/// An act as its row tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredAct {
    pub(crate) id: DisposalActId,
    pub(crate) number: String,
    pub(crate) class: RetentionClass,
    pub(crate) state: ActState,
    pub(crate) drawn_at: OffsetDateTime,
    pub(crate) messages: u32,
    pub(crate) sha256: [u8; 32],
    pub(crate) done: u32,
    pub(crate) erased: u32,
    pub(crate) executed_at: Option<OffsetDateTime>,
}

impl StoredAct {
    /// A new one.
    pub(crate) fn drawn(document: &ActDocument, sha256: [u8; 32]) -> Result<Self, StoreError> {
        Ok(Self {
            id: document.act_id,
            number: document.number.clone(),
            class: document.class.clone(),
            state: ActState::Open,
            drawn_at: document.drawn_at,
            messages: u32::try_from(document.messages.len()).map_err(|_| StoreError::Corrupt("a count"))?,
            sha256,
            done: 0,
            erased: 0,
            executed_at: None,
        })
    }

    pub(crate) fn summary(&self, signatures: usize) -> ActSummary {
        ActSummary {
            act_id: self.id,
            number: self.number.clone(),
            class: self.class.clone(),
            state: self.state,
            drawn_at: self.drawn_at,
            messages: self.messages,
            sha256: crypto::digest::hex(&self.sha256),
            signatures: u8::try_from(signatures).unwrap_or(u8::MAX),
        }
    }

    pub(crate) fn result(&self, left: Vec<LeftMessage>) -> ActResult {
        ActResult { done: self.done, erased: self.erased, left, executed_at: self.executed_at }
    }
}

/// A signature of an act.
#[derive(Debug, Clone)]
pub(crate) struct StoredSignature {
    /// The signer's, DER.
    pub(crate) certificate: Vec<u8>,
    pub(crate) cms: Vec<u8>,
    pub(crate) validated_at: OffsetDateTime,
    pub(crate) brought_by: String,
}

/// A piece of an act that is carried out.
pub(crate) struct Piece {
    pub(crate) act: DisposalActId,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) at: OffsetDateTime,
    /// The last one.
    pub(crate) whole: bool,
}

/// # Errors
/// [`StoreError::Conflict`] where another act has the number.
pub(crate) fn insert_act(tx: &mut Tx<'_>, act: &StoredAct, document: &[u8]) -> Result<(), StoreError> {
    let sql = "-- insert_disposal_act
        INSERT INTO disposal_act (id, number, class, state, drawn_at, messages, sha256) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        act.id.as_bytes().into(),
        (&act.number).into(),
        act.class.as_str().into(),
        act.state.as_str().into(),
        act.drawn_at.into(),
        act.messages.into(),
        (&act.sha256).into(),
    ];
    tx.execute(sql, &values)?;
    let sql = "-- insert_disposal_document
        INSERT INTO disposal_document (act_id, document) VALUES ($1, $2)";
    tx.execute(sql, &[act.id.as_bytes().into(), document.into()]).map(drop)
}

/// Columns id, number, class, state, drawn_at, messages, sha256, done, erased, executed_at.
fn read_act(row: &Row<'_>) -> Result<StoredAct, StoreError> {
    Ok(StoredAct {
        id: id(row, 0, DisposalActId::from_bytes, "disposal_act.id")?,
        number: row.text(1)?,
        class: parsed(row, 2, "disposal_act.class")?,
        state: named(row.text(3)?, "disposal_act.state")?,
        drawn_at: row.time(4)?,
        messages: number(row, 5, "disposal_act.messages")?,
        sha256: row.array(6)?,
        done: number(row, 7, "disposal_act.done")?,
        erased: number(row, 8, "disposal_act.erased")?,
        executed_at: if row.is_null(9)? { None } else { Some(row.time(9)?) },
    })
}

pub(crate) fn act(tx: &mut Tx<'_>, act: DisposalActId) -> Result<Option<StoredAct>, StoreError> {
    let sql = "-- read_disposal_act
        SELECT id, number, class, state, drawn_at, messages, sha256, done, erased, executed_at
        FROM disposal_act WHERE id = $1";
    tx.query_optional(sql, &[act.as_bytes().into()], read_act)
}

/// The oldest act that is being carried out. The condition stands word for word as in its index.
pub(crate) fn executing_act(tx: &mut Tx<'_>) -> Result<Option<StoredAct>, StoreError> {
    let sql = "-- executing_disposal_act
        SELECT id, number, class, state, drawn_at, messages, sha256, done, erased, executed_at
        FROM disposal_act WHERE state = 'executing' ORDER BY id LIMIT 1";
    tx.query_optional(sql, &[], read_act)
}

/// Acts after `after`, oldest first, as they are listed.
pub(crate) fn acts(tx: &mut Tx<'_>, after: Option<DisposalActId>, limit: u32) -> Result<Vec<ActSummary>, StoreError> {
    let sql = "-- disposal_acts
        SELECT id, number, class, state, drawn_at, messages, sha256, done, erased, executed_at,
            (SELECT count(*) FROM disposal_signature s WHERE s.act_id = disposal_act.id)
        FROM disposal_act WHERE id > $1 ORDER BY id LIMIT $2";
    let after = after.as_ref().map_or(Value::Blob(&[]), |id| id.as_bytes().into());
    tx.query(sql, &[after, limit.into()], |row| {
        let signatures = usize::try_from(row.integer(10)?).map_err(|_| StoreError::Corrupt("disposal_signature"))?;
        Ok(read_act(row)?.summary(signatures))
    })
}

pub(crate) fn act_document(tx: &mut Tx<'_>, act: DisposalActId) -> Result<Vec<u8>, StoreError> {
    let sql = "-- disposal_document
        SELECT document FROM disposal_document WHERE act_id = $1";
    let found = tx.query_optional(sql, &[act.as_bytes().into()], |row| row.blob(0))?;
    found.ok_or(StoreError::Corrupt("disposal_document"))
}

/// In the order in which they came.
pub(crate) fn act_signatures(tx: &mut Tx<'_>, act: DisposalActId) -> Result<Vec<StoredSignature>, StoreError> {
    let sql = "-- disposal_signatures
        SELECT certificate, cms, validated_at, brought_by FROM disposal_signature WHERE act_id = $1 ORDER BY place";
    tx.query(sql, &[act.as_bytes().into()], |row| {
        let (certificate, cms) = (row.blob(0)?, row.blob(1)?);
        Ok(StoredSignature { certificate, cms, validated_at: row.time(2)?, brought_by: row.text(3)? })
    })
}

/// # Errors
/// [`StoreError::Conflict`] where another signature has the place.
pub(crate) fn insert_act_signature(
    tx: &mut Tx<'_>,
    act: DisposalActId,
    place: usize,
    signature: &StoredSignature,
) -> Result<(), StoreError> {
    let sql = "-- insert_disposal_signature
        INSERT INTO disposal_signature (act_id, place, certificate, cms, validated_at, brought_by)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let place = i64::try_from(place).map_err(|_| StoreError::Corrupt("disposal_signature.place"))?;
    let values = [
        act.as_bytes().into(),
        place.into(),
        (&signature.certificate).into(),
        (&signature.cms).into(),
        signature.validated_at.into(),
        (&signature.brought_by).into(),
    ];
    tx.execute(sql, &values).map(drop)
}

/// Moves an open act on, or keeps it open. False where it is open no more.
pub(crate) fn move_act(tx: &mut Tx<'_>, act: DisposalActId, state: ActState) -> Result<bool, StoreError> {
    let sql = "-- move_disposal_act
        UPDATE disposal_act SET state = $2 WHERE id = $1 AND state = 'open'";
    Ok(tx.execute(sql, &[act.as_bytes().into(), state.as_str().into()])? == 1)
}

/// Puts down how far an act has come. False where it does not stand where the piece begins.
pub(crate) fn advance_act(tx: &mut Tx<'_>, piece: &Piece, erased: usize) -> Result<bool, StoreError> {
    let sql = "-- advance_disposal_act
        UPDATE disposal_act SET done = $3, erased = erased + $4,
            state = CASE WHEN $5 = 1 THEN 'executed' ELSE state END, executed_at = CASE WHEN $5 = 1 THEN $6 ELSE executed_at END
        WHERE id = $1 AND state = 'executing' AND done = $2";
    let erased = i64::try_from(erased).map_err(|_| StoreError::Corrupt("disposal_act.erased"))?;
    let values = [
        piece.act.as_bytes().into(),
        piece.from.into(),
        piece.to.into(),
        erased.into(),
        piece.whole.into(),
        piece.at.into(),
    ];
    Ok(tx.execute(sql, &values)? == 1)
}

pub(crate) fn insert_left(
    tx: &mut Tx<'_>,
    act: DisposalActId,
    message: MessageId,
    why: WhyLeft,
) -> Result<(), StoreError> {
    let sql = "-- insert_disposal_left
        INSERT INTO disposal_left (act_id, message_id, why) VALUES ($1, $2, $3)";
    tx.execute(sql, &[act.as_bytes().into(), message.as_bytes().into(), why.as_str().into()]).map(drop)
}

/// What an act has left so far: no more than it names.
pub(crate) fn left_of(tx: &mut Tx<'_>, act: DisposalActId) -> Result<Vec<LeftMessage>, StoreError> {
    let sql = "-- disposal_left
        SELECT message_id, why FROM disposal_left WHERE act_id = $1 ORDER BY message_id";
    tx.query(sql, &[act.as_bytes().into()], |row| {
        let message_id = id(row, 0, MessageId::from_bytes, "disposal_left.message_id")?;
        Ok(LeftMessage { message_id, why: named(row.text(1)?, "disposal_left.why")? })
    })
}
