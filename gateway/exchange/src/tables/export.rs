//! Statements of the export of a case.

use schemas::{CaseId, Edrpou, MessageId};
use storage::{StoreError, Tx, Value};

use super::{evidence, message, number};
use crate::message::{Evidence, Message};

/// A message with everything that proves what became of it.
pub(crate) struct Exported {
    pub(crate) message: Message,
    /// By the numbers of their steps.
    pub(crate) evidence: Vec<Evidence>,
    /// What the recipient said, as far as it is not erased: the step that it led to, and the word as it came.
    pub(crate) acknowledgements: Vec<(u32, Vec<u8>)>,
}

/// Messages of a case that concern a participant, after `after`, oldest first, as many as have `bound` pieces of evidence together,
/// and one at least; and whether there are more.
pub(crate) fn exported(
    tx: &mut Tx<'_>,
    case: (CaseId, Option<Edrpou>),
    after: Option<MessageId>,
    bound: usize,
) -> Result<(Vec<Exported>, bool), StoreError> {
    let (mut taken, mut pieces) = (Vec::new(), 0_usize);
    for message in messages(tx, case, after, bound)? {
        let evidence = of_message(tx, message.id)?;
        pieces = pieces.saturating_add(evidence.len());
        if pieces > bound && !taken.is_empty() {
            return Ok((taken, true));
        }
        let acknowledgements = acknowledged(tx, message.id)?;
        taken.push(Exported { message, evidence, acknowledgements });
    }
    // Each message has left one piece at least, so no more than `bound` of them fit.
    let last = taken.last().map(|exported| exported.message.id);
    let more = taken.len() == bound && !messages(tx, case, last, 1)?.is_empty();
    Ok((taken, more))
}

fn messages(
    tx: &mut Tx<'_>,
    (case, participant): (CaseId, Option<Edrpou>),
    after: Option<MessageId>,
    limit: usize,
) -> Result<Vec<Message>, StoreError> {
    let sql = concat!(
        "-- exported_messages\n SELECT ",
        message_columns!(),
        " FROM message WHERE case_id = $1 AND ",
        concerns!(),
        " AND id > $3 ORDER BY id LIMIT $4"
    );
    let after = after.as_ref().map_or(Value::Blob(&[]), |id| id.as_bytes().into());
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let participant = participant.as_ref().map(Edrpou::as_str);
    tx.query(sql, &[case.as_bytes().into(), participant.into(), after, limit.into()], message)
}

fn of_message(tx: &mut Tx<'_>, id: MessageId) -> Result<Vec<Evidence>, StoreError> {
    let sql = "-- message_evidence
        SELECT id, message_id, step, kind, state, at, event_id, jws FROM evidence WHERE message_id = $1 ORDER BY step";
    tx.query(sql, &[id.as_bytes().into()], evidence)
}

fn acknowledged(tx: &mut Tx<'_>, id: MessageId) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
    let sql = "-- exported_acknowledgements
        SELECT step, spoken FROM acknowledgement WHERE message_id = $1 AND length(spoken) > 0 ORDER BY step";
    tx.query(sql, &[id.as_bytes().into()], |row| Ok((number(row, 0, "acknowledgement.step")?, row.blob(1)?)))
}
