//! Disposal acts («акт про вилучення документів»): drawn up over what is due, listed, read, taken back.
//!
//! An act is a document: canonical JSON (RFC 8785: keys sorted, no white space, strings and whole numbers only) of
//! [`ActDocument`], stored as the bytes that are signed. What it does not name it does not dispose of, and what it names is there for ever, with its
//! signatures and what came of it. It may name less than what is due: at most [`DISPOSAL_MESSAGES`] messages, nothing that is under a hold.

use access::Permit;
use access::decide::{DisposeMessages, ReadRetention};
use audit::{Action, EventDraft, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::{hex, sha256};
use schemas::limits::{DISPOSAL_MESSAGES, DISPOSAL_PARTS, PAGE_ITEMS};
use schemas::message::Part;
use schemas::retention::{
    ACT_VERSION, Act, ActDocument, ActMessage, ActPage, ActRequest, ActSignature, ActState, ActSummary,
};
use schemas::{DisposalActId, ProblemCode};
use serde_json::Value;
use std::collections::BTreeMap;
use storage::ids::FreshId;
use storage::{StoreError, TxError};

use super::Keep;
use super::due::{Due, DueQuery};
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::tables::{self, StoredAct, StoredSignature};

/// Readings for one act; each looks at a thousand messages. What lies beyond is another act's.
const READINGS: usize = 256;

/// `disposal_act:<id>`, as audit entries name it.
pub(super) fn object(act: DisposalActId) -> String {
    format!("disposal_act:{act}")
}

/// SHA-256 of each part as it was handed in, in the order of their numbers: what an act names of a message.
pub(super) fn digests(parts: &[Part]) -> Vec<String> {
    let mut parts: Vec<&Part> = parts.iter().collect();
    parts.sort_by_key(|part| part.number);
    parts.into_iter().map(|part| part.sha256.clone()).collect()
}

/// The bytes of a document. serde_json escapes strings as RFC 8785 3.2.2.2 does; keys are sorted here, whatever order its maps keep.
fn canonical(document: &ActDocument) -> Result<Vec<u8>, serde_json::Error> {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let members: BTreeMap<_, _> = members.into_iter().map(|(key, value)| (key, sorted(value))).collect();
                Value::Object(members.into_iter().collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
            other => other,
        }
    }
    serde_json::to_vec(&sorted(serde_json::to_value(document)?))
}

impl Exchange {
    /// Draws an act up over what is due of a class and under no hold.
    ///
    /// # Errors
    /// `MalformedJson` for texts out of bounds; `UnknownRetentionClass`; `NothingDue`; `DisposalNumberTaken`; otherwise when the store fails.
    pub async fn draw_act(&self, permit: Permit<DisposeMessages>, request: ActRequest) -> Result<ActSummary, Refusal> {
        request.check().map_err(|error| Refusal::with_detail(ProblemCode::MalformedJson, error.to_string()))?;
        let messages = self.disposable(&request).await?;
        let Some(Keep::Days(days)) = self.inner.retention.keep(&request.class).filter(|_| !messages.is_empty()) else {
            return Err(ProblemCode::NothingDue.into());
        };
        let now = self.inner.clock.now();
        let document = ActDocument {
            version: ACT_VERSION,
            act_id: DisposalActId::fresh(now),
            node: self.inner.signer.node().to_owned(),
            number: request.number,
            date: request.date,
            drawn_at: now,
            class: request.class,
            days,
            ground: request.ground,
            commission: request.commission,
            messages,
        };
        let bytes = canonical(&document).map_err(|_| ProblemCode::Internal)?;
        let act = StoredAct::drawn(&document, sha256(&bytes))?;
        self.keep_act(&permit, act, bytes).await
    }

    /// What an act over this would name.
    async fn disposable(&self, request: &ActRequest) -> Result<Vec<ActMessage>, Refusal> {
        let most = usize::try_from(request.most.unwrap_or(DISPOSAL_MESSAGES)).unwrap_or(usize::MAX);
        let (mut messages, mut parts, mut after) = (Vec::new(), 0_usize, None);
        for _ in 0..READINGS {
            let (class, participant) = (Some(request.class.clone()), request.participant);
            let (found, next) = self.read_due(DueQuery { class, participant, after, limit: u32::MAX }).await?;
            for due in found.into_iter().filter(|due| !due.on_hold) {
                parts = parts.saturating_add(due.message.parts.len());
                if messages.len() >= most || parts > DISPOSAL_PARTS {
                    return Ok(messages);
                }
                messages.push(named(due));
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        Ok(messages)
    }

    async fn keep_act(
        &self,
        permit: &Permit<DisposeMessages>,
        act: StoredAct,
        document: Vec<u8>,
    ) -> Result<ActSummary, Refusal> {
        let details = serde_json::json!({
            "number": &act.number, "class": &act.class, "messages": act.messages, "sha256": hex(&act.sha256),
        });
        let event = self.act_event(permit, Action::DrawDisposalAct, act.id, details);
        let new = act.clone();
        let kept = self.inner.ledger.transact("draw_disposal_act", move |tx| {
            tables::insert_act(tx, &new, &document)?;
            Ok::<_, StoreError>(audit::append(tx, &event)?.with(()))
        });
        match kept.await {
            Ok(()) => Ok(act.summary(0)),
            // The one uniqueness rule that an act can break.
            Err(TxError::Refused(StoreError::Conflict) | TxError::Store(StoreError::Conflict)) => {
                Err(ProblemCode::DisposalNumberTaken.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One page of the acts, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn acts(
        &self,
        permit: Permit<ReadRetention>,
        after: Option<DisposalActId>,
        limit: u32,
    ) -> Result<ActPage, Refusal> {
        let limit = limit.clamp(1, PAGE_ITEMS);
        let mut acts = self.inner.ledger.reader().read("acts", move |tx| tables::acts(tx, after, limit + 1)).await?;
        let page = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = acts.len() > page;
        acts.truncate(page);
        let next_after = acts.last().filter(|_| more).map(|act| act.act_id);
        let details = serde_json::json!({ "what": "acts", "acts": acts.len() });
        self.record_read(Action::ReadRetention, permit.actor().pseudonym(), None, details).await?;
        Ok(ActPage { acts, next_after })
    }

    /// An act with its document, its signatures, and what came of it.
    ///
    /// # Errors
    /// `NotFound`; otherwise when the store fails.
    pub async fn act(&self, permit: Permit<ReadRetention>, act: DisposalActId) -> Result<Act, Refusal> {
        let found = self.inner.ledger.reader().read("act", move |tx| {
            let Some(stored) = tables::act(tx, act)? else { return Ok(None) };
            let document = tables::act_document(tx, act)?;
            Ok(Some((stored, document, tables::act_signatures(tx, act)?, tables::left_of(tx, act)?)))
        });
        let (stored, document, signatures, left) = found.await?.ok_or(ProblemCode::NotFound)?;
        let details = serde_json::json!({ "what": "act" });
        self.record_read(Action::ReadRetention, permit.actor().pseudonym(), Some(object(act)), details).await?;
        Ok(Act {
            summary: stored.summary(signatures.len()),
            document: STANDARD.encode(document),
            signed: signatures.into_iter().map(shown).collect(),
            result: stored.result(left),
        })
    }

    /// Takes an act back that does not have both its signatures. Its number is free again.
    ///
    /// # Errors
    /// `NotFound`; `DisposalActClosed`; otherwise when the store fails.
    pub async fn withdraw_act(&self, permit: Permit<DisposeMessages>, act: DisposalActId) -> Result<(), Refusal> {
        let there = self.inner.ledger.reader().read("act", move |tx| tables::act(tx, act)).await?;
        there.ok_or(ProblemCode::NotFound)?;
        let event = self.act_event(&permit, Action::WithdrawDisposalAct, act, Value::Null);
        let withdrawn = self.inner.ledger.transact("withdraw_disposal_act", move |tx| {
            if !tables::move_act(tx, act, ActState::Withdrawn)? {
                return Err(NotWithdrawn::Closed);
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        Ok(withdrawn.await?)
    }

    pub(super) fn act_event(
        &self,
        permit: &Permit<DisposeMessages>,
        action: Action,
        act: DisposalActId,
        details: Value,
    ) -> audit::Event {
        let (actor, object) = (permit.actor().pseudonym(), Some(object(act)));
        self.inner.ledger.prepare(EventDraft { action, actor, object, outcome: Outcome::Done, details })
    }
}

/// Why an act was not taken back.
enum NotWithdrawn {
    Closed,
    Store(StoreError),
}

impl From<StoreError> for NotWithdrawn {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NotWithdrawn> for Refusal {
    fn from(error: NotWithdrawn) -> Self {
        match error {
            NotWithdrawn::Closed => ProblemCode::DisposalActClosed.into(),
            NotWithdrawn::Store(error) => error.into(),
        }
    }
}

fn named(due: Due) -> ActMessage {
    let message = due.message;
    ActMessage {
        message_id: message.id,
        case_id: message.case,
        sender: message.sender,
        state: message.standing(),
        settled_at: message.changed_at,
        parts: digests(&message.parts),
        recipient: message.recipient,
        kind: message.kind,
    }
}

fn shown(signature: StoredSignature) -> ActSignature {
    ActSignature {
        certificate: hex(&sha256(&signature.certificate)),
        cms: STANDARD.encode(signature.cms),
        validated_at: signature.validated_at,
        brought_by: signature.brought_by,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_canonical() {
        let act = DisposalActId::from_parts(1_700_000_000_000, [0xa5; 10]);
        let document = ActDocument {
            version: ACT_VERSION,
            act_id: act,
            node: "node.example".to_owned(),
            number: "1/26 \"а\"".to_owned(),
            date: "2026-11-26".to_owned(),
            drawn_at: time::macros::datetime!(2026-11-26 12:00 UTC),
            class: "standard".parse().unwrap(),
            days: 5,
            ground: "ст. 6\n".to_owned(),
            commission: Vec::new(),
            messages: Vec::new(),
        };
        let expected = concat!(
            r#"{"act_id":"018bcfe5-6800-75a5-a5a5-a5a5a5a5a5a5","class":"standard","commission":[],"date":"2026-11-26","#,
            r#""days":5,"drawn_at":"2026-11-26T12:00:00Z","ground":"ст. 6\n","messages":[],"node":"node.example","#,
            r#""number":"1/26 \"а\"","version":1}"#
        );
        assert_eq!(String::from_utf8(canonical(&document).unwrap()).unwrap(), expected);
        assert_eq!(serde_json::from_str::<ActDocument>(expected).unwrap(), document);
    }
}
