//! Statements of the intake and of the sweep behind it.

use audit::Appended;
use schemas::message::{MessageState, Receipt, State};
use schemas::{CaseId, Edrpou, EventId, JobId, MessageId, ProblemCode};
use storage::{StoreError, Tx, Value, jobs};
use time::OffsetDateTime;

use super::relay::{Route, insert_route};
use super::{id, insert_evidence, insert_notices, parsed};
use crate::edge::Edge;
use crate::message::Message;
use crate::refusal::Refusal;

/// Where a sealed part lies.
#[derive(Debug, Clone)]
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

    pub(super) fn columns(&self) -> (Option<&str>, Option<&[u8]>) {
        match self {
            Self::Inline(bytes) => (None, Some(bytes)),
            Self::Object(key) => (Some(key), None),
        }
    }
}

/// A message that is not there yet: everything that its first steps write. Made before its transaction, which only writes.
pub(crate) struct NewMessage {
    /// Its first steps; not empty.
    pub(crate) edges: Vec<Edge>,
    pub(crate) opens_case: bool,
    pub(crate) key_envelope: Option<Vec<u8>>,
    /// Sealed parts by their numbers.
    pub(crate) contents: Vec<(u8, Content)>,
    pub(crate) claim: Option<Claim>,
    /// A carrier's work, where the message does not lie in its mailbox yet.
    pub(crate) job: Option<(JobId, String)>,
    /// The node that it goes to or came from.
    pub(crate) route: Option<Route>,
    pub(crate) parts_json: String,
}

/// An idempotency key with what was handed in under it.
pub(crate) struct Claim {
    pub(crate) key: String,
    pub(crate) fingerprint: [u8; 32],
    /// Keys before this moment are forgotten.
    pub(crate) forgotten_before: OffsetDateTime,
}

/// None where the key is taken: then nothing may be committed.
pub(crate) fn insert_message(tx: &mut Tx<'_>, new: &NewMessage) -> Result<Option<Appended>, StoreError> {
    let last = new.edges.last().ok_or(StoreError::Corrupt("a message without a step"))?;
    let message = &last.message;
    if let Some(claim) = &new.claim
        && !claim_key(tx, message, claim)?
    {
        return Ok(None);
    }
    if new.opens_case {
        insert_case(tx, message)?;
    }
    insert_message_row(tx, new, last)?;
    for (number, content) in &new.contents {
        insert_part(tx, message.id, *number, content)?;
    }
    if let Some(route) = &new.route {
        insert_route(tx, message.id, route)?;
    }
    if let Some((job, kind)) = &new.job {
        jobs::enqueue(tx, *job, kind, message.id.as_bytes(), message.changed_at)?;
    }
    let mut appended = None;
    for edge in &new.edges {
        insert_evidence(tx, &edge.evidence)?;
        insert_notices(tx, message.id, &edge.notices)?;
        appended = Some(audit::append(tx, &edge.event)?);
    }
    Ok(appended)
}

/// Takes the key, also from a submission that is so old that it is forgotten.
fn claim_key(tx: &mut Tx<'_>, message: &Message, claim: &Claim) -> Result<bool, StoreError> {
    let sql = "-- claim_submission_key
        INSERT INTO submission_key (sender, key, fingerprint, message_id, accepted_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (sender, key) DO UPDATE SET
            fingerprint = excluded.fingerprint, message_id = excluded.message_id, accepted_at = excluded.accepted_at
        WHERE submission_key.accepted_at < $6";
    let values = [
        message.sender.as_str().into(),
        (&claim.key).into(),
        (&claim.fingerprint).into(),
        message.id.as_bytes().into(),
        message.changed_at.into(),
        claim.forgotten_before.into(),
    ];
    Ok(tx.execute(sql, &values)? == 1)
}

/// Opens the case of a message.
pub(crate) fn insert_case(tx: &mut Tx<'_>, message: &Message) -> Result<(), StoreError> {
    let sql = "-- insert_case
        INSERT INTO exchange_case (id, opener, counterpart, opened_at) VALUES ($1, $2, $3, $4)";
    let counterpart = message.recipient.participant();
    let case = message.case.ok_or(StoreError::Corrupt("a case without a number"))?;
    let values = [
        case.as_bytes().into(),
        message.sender.as_str().into(),
        counterpart.as_str().into(),
        message.changed_at.into(),
    ];
    tx.execute(sql, &values).map(|_| ())
}

fn insert_message_row(tx: &mut Tx<'_>, new: &NewMessage, last: &Edge) -> Result<(), StoreError> {
    let sql = "-- insert_message
        INSERT INTO message (id, case_id, sender, sender_certificate, recipient, kind, media_type, state, standing, steps,
            accepted_at, changed_at, due_at, parts, key_envelope, metadata)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let message = &last.message;
    let recipient = message.recipient.to_string();
    let metadata = message.metadata.as_ref().map(schemas::kinds::Metadata::octets);
    let metadata = metadata.map(String::from_utf8).transpose().map_err(|_| StoreError::Corrupt("message.metadata"))?;
    let values = [
        message.id.as_bytes().into(),
        message.case.as_ref().map_or(Value::Null, |case| case.as_bytes().into()),
        message.sender.as_str().into(),
        (&message.sender_certificate).into(),
        (&recipient).into(),
        message.kind.as_str().into(),
        message.media_type.as_str().into(),
        last.evidence.state.as_str().into(),
        (&last.standing).into(),
        message.steps.into(),
        message.accepted_at.into(),
        message.changed_at.into(),
        last.due.into(),
        (&new.parts_json).into(),
        new.key_envelope.as_deref().into(),
        metadata.as_deref().into(),
    ];
    tx.execute(sql, &values).map(|_| ())
}

fn insert_part(tx: &mut Tx<'_>, message: MessageId, number: u8, content: &Content) -> Result<(), StoreError> {
    let sql = "-- insert_part
        INSERT INTO part (message_id, number, object_key, content) VALUES ($1, $2, $3, $4)";
    let (key, bytes) = content.columns();
    let values = [message.as_bytes().into(), i64::from(number).into(), key.into(), bytes.into()];
    tx.execute(sql, &values).map(|_| ())
}

/// What was handed in under an idempotency key, and what became of it.
pub(crate) struct StoredReceipt {
    pub(crate) fingerprint: [u8; 32],
    pub(crate) outcome: Result<Receipt, Ended>,
}

/// A submission that came to nothing: rejected, refused, expired, or not relayed.
pub(crate) struct Ended {
    pub(crate) message: MessageId,
    pub(crate) state: MessageState,
    /// The evidence of its last step.
    pub(crate) evidence: String,
}

impl Ended {
    /// What a repeat hears.
    pub(crate) fn refusal(self) -> Refusal {
        let detail = format!("{}: {}", self.message, self.state.as_str());
        let evidence = Some(self.evidence);
        Refusal { evidence, ..Refusal::with_detail(ProblemCode::SubmissionEnded, detail) }
    }
}

pub(crate) fn stored_receipt(
    tx: &mut Tx<'_>,
    sender: Edrpou,
    key: &str,
    forgotten_before: OffsetDateTime,
) -> Result<Option<StoredReceipt>, StoreError> {
    let sql = "-- stored_receipt
        SELECT k.fingerprint, m.id, m.case_id, m.accepted_at, m.parts, e.event_id, e.jws, m.standing, l.jws
        FROM submission_key k
        JOIN message m ON m.id = k.message_id
        JOIN evidence l ON l.message_id = m.id AND l.step = m.steps
        LEFT JOIN evidence e ON e.message_id = m.id AND e.kind = 'A.1'
        WHERE k.sender = $1 AND k.key = $2 AND k.accepted_at >= $3";
    tx.query_optional(sql, &[sender.as_str().into(), key.into(), forgotten_before.into()], |row| {
        let fingerprint = row.blob(0)?.try_into().map_err(|_| StoreError::Corrupt("submission_key.fingerprint"))?;
        let message_id = id(row, 1, MessageId::from_bytes, "message.id")?;
        let standing: State =
            serde_json::from_str(&row.text(7)?).map_err(|_| StoreError::Corrupt("message.standing"))?;
        let state = outcome_state(&standing);
        if came_to_nothing(state) || row.is_null(5)? {
            let ended = Ended { message: message_id, state, evidence: row.text(8)? };
            return Ok(StoredReceipt { fingerprint, outcome: Err(ended) });
        }
        let receipt = Receipt {
            message_id,
            case_id: id(row, 2, CaseId::from_bytes, "message.case_id")?,
            accepted_at: row.time(3)?,
            parts: serde_json::from_str(&row.text(4)?).map_err(|_| StoreError::Corrupt("message.parts"))?,
            event_id: id(row, 5, EventId::from_bytes, "evidence.event_id")?,
            evidence: row.text(6)?,
        };
        Ok(StoredReceipt { fingerprint, outcome: Ok(receipt) })
    })
}

/// How a message ended, also where its content was erased since.
pub(super) fn outcome_state(standing: &State) -> MessageState {
    match standing {
        State::Erased { before } => *before,
        other => other.name(),
    }
}

/// Whether a repeat of the submission must hear that it failed, and no receipt.
pub(super) fn came_to_nothing(state: MessageState) -> bool {
    matches!(state, MessageState::Rejected | MessageState::RelayFailed | MessageState::Refused | MessageState::Expired)
}

/// The two participants of a case.
pub(crate) fn case_parties(tx: &mut Tx<'_>, case: CaseId) -> Result<Option<[Edrpou; 2]>, StoreError> {
    let sql = "-- case_parties
        SELECT opener, counterpart FROM exchange_case WHERE id = $1";
    tx.query_optional(sql, &[case.as_bytes().into()], |row| {
        Ok([parsed(row, 0, "exchange_case.opener")?, parsed(row, 1, "exchange_case.counterpart")?])
    })
}

/// Whether a message names the object as its part, as a part or range that is being uploaded, or as a signature that waits.
pub(crate) fn has_part(tx: &mut Tx<'_>, message: MessageId, number: u8, key: &str) -> Result<bool, StoreError> {
    let sql = "-- has_part
        SELECT 1 FROM part WHERE message_id = $1 AND number = $2 AND object_key = $3
        UNION ALL SELECT 1 FROM upload_part WHERE message_id = $1 AND number = $2 AND object_key = $3
        UNION ALL SELECT 1 FROM upload_range WHERE message_id = $1 AND number = $2 AND object_key = $3
        UNION ALL SELECT 1 FROM held_signature WHERE message_id = $1 AND number = $2 AND object_key = $3
        LIMIT 1";
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
