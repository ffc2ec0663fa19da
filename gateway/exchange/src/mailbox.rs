//! The recipient's side: list, lease, download, acknowledge; and what both sides may read.
//!
//! Who reads is on record before the answer leaves.

mod acknowledge;
mod download;
mod lease;
mod wait;

use access::Permit;
use access::decide::{CaseResource, ListMailbox, ListSubmissions, MessageResource, ReadCase, ReadMessage};
use audit::{Action, EventDraft, Outcome};
use schemas::limits::PAGE_ITEMS;
use schemas::message::{CaseEvent, CaseEvents, MessagePage, MessageState, MessageSummary};
use schemas::{CaseId, Edrpou, MailboxId, MessageId, ProblemCode};

pub use acknowledge::Spoken;
pub use download::PartDownload;
pub(crate) use wait::Waiting;

use crate::message::{Message, object};
use crate::refusal::Refusal;
use crate::retention;
use crate::service::Exchange;
use crate::tables::{self, PeerEvidence};

impl Exchange {
    /// Facts for the decision over a message. None: there is no such message, which is 404 for everyone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn message_resource(&self, message: MessageId) -> Result<Option<MessageResource>, Refusal> {
        let parties = match self.inner.lately.parties(message) {
            Some(parties) => Some(parties),
            None => self.inner.ledger.reader().read("message_parties", move |tx| tables::parties(tx, message)).await?,
        };
        Ok(parties.map(|(sender, recipient)| MessageResource { message, sender, recipient }))
    }

    /// Facts for the decision over a case. None: there is no such case, which is 404 for everyone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn case_resource(&self, case: CaseId) -> Result<Option<CaseResource>, Refusal> {
        let parties = self.inner.ledger.reader().read("case_parties", move |tx| tables::case_parties(tx, case)).await?;
        Ok(parties.map(|parties| CaseResource { case, participants: parties.to_vec() }))
    }

    /// How many messages wait in a mailbox, neither accepted nor refused; none beyond `most` are counted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting(&self, mailbox: MailboxId, most: u64) -> Result<u64, Refusal> {
        let reader = self.inner.ledger.reader();
        Ok(reader.read("count_waiting", move |tx| tables::count_waiting(tx, &mailbox, most)).await?)
    }

    /// One page of a mailbox, oldest first: messages after `after`, in `state` if one is named. `limit` is cut to 1 to
    /// [`PAGE_ITEMS`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        permit: Permit<ListMailbox>,
        state: Option<MessageState>,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<MessagePage, Refusal> {
        let limit = limit.clamp(1, PAGE_ITEMS);
        let mailbox = permit.resource().clone();
        let object = Some(format!("mailbox:{mailbox}"));
        // One more than asked for tells whether there is a next page.
        let messages = self.inner.ledger.reader().read("list_messages", move |tx| match state {
            None => tables::list(tx, &mailbox, after, limit + 1),
            Some(state) => tables::list_in_state(tx, &mailbox, state, after, limit + 1),
        });
        let page = page(&messages.await?, limit);
        let details = serde_json::json!({ "state": state, "messages": page.messages.len() });
        self.record_read(Action::ListMailbox, permit.actor().pseudonym(), object, details).await?;
        Ok(page)
    }

    /// What a participant handed in, oldest first, whatever became of it: messages after `after`, in `state` if one is named.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sent(
        &self,
        permit: Permit<ListSubmissions>,
        state: Option<MessageState>,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<MessagePage, Refusal> {
        let limit = limit.clamp(1, PAGE_ITEMS);
        let sender = *permit.resource();
        let messages = self.inner.ledger.reader().read("sent_messages", move |tx| match state {
            None => tables::sent(tx, sender, after, limit + 1),
            Some(state) => tables::sent_in_state(tx, sender, state, after, limit + 1),
        });
        let page = page(&messages.await?, limit);
        let details = serde_json::json!({ "state": state, "messages": page.messages.len() });
        let object = Some(format!("participant:{sender}"));
        self.record_read(Action::ListSubmissions, permit.actor().pseudonym(), object, details).await?;
        Ok(page)
    }

    /// How a message stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_message(&self, permit: Permit<ReadMessage>) -> Result<MessageSummary, Refusal> {
        let id = permit.resource().message;
        let rules = std::sync::Arc::clone(&self.inner.retention);
        let found = self.inner.ledger.reader().read("read_message", move |tx| {
            let Some(message) = tables::read_message(tx, id)? else { return Ok(None) };
            let retention = retention::of_message(tx, &message, &rules)?;
            Ok(Some((message, retention)))
        });
        let found = found.await?.filter(|(message, _)| concerns(message, permit.actor().participant()));
        let (message, retention) = found.ok_or(ProblemCode::NotFound)?;
        let details = serde_json::json!({ "state": message.standing() });
        self.record_read(Action::ReadMessage, permit.actor().pseudonym(), Some(object(id)), details).await?;
        Ok(MessageSummary { retention, ..message.summary() })
    }

    /// All evidence of a case, oldest first: of this node, and of the node that a message came from or went to. Of a message that this
    /// node has not accepted only for its sender.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn case_events(&self, permit: Permit<ReadCase>) -> Result<CaseEvents, Refusal> {
        let (case_id, participant) = (permit.resource().case, permit.actor().participant());
        let reader = self.inner.ledger.reader();
        let found = reader.read("case_evidence", move |tx| {
            Ok((tables::case_evidence(tx, case_id, participant)?, tables::case_peer_evidence(tx, case_id)?))
        });
        let (evidence, of_peers) = found.await?;
        let details = serde_json::json!({ "events": evidence.len() + of_peers.len() });
        let object = Some(format!("case:{case_id}"));
        self.record_read(Action::ReadCase, permit.actor().pseudonym(), object, details).await?;
        let event = |evidence: crate::message::Evidence| CaseEvent {
            event_id: evidence.event,
            message_id: evidence.message,
            state: evidence.state,
            at: evidence.at,
            evidence_id: evidence.id,
            evidence: evidence.jws,
            node: None,
        };
        let mut events: Vec<_> = evidence.into_iter().map(event).collect();
        events.extend(of_peers.into_iter().map(PeerEvidence::into_event));
        // Two clocks: where they disagree, an effect may stand before its cause. Each node's own steps stay in their order.
        events.sort_by_key(|event| event.at);
        Ok(CaseEvents { case_id, events })
    }

    /// The audit row of an answer that changes nothing.
    pub(crate) async fn record_read(
        &self,
        action: Action,
        actor: String,
        object: Option<String>,
        details: serde_json::Value,
    ) -> Result<(), Refusal> {
        self.inner.ledger.record(EventDraft { action, actor, object, outcome: Outcome::Done, details }).await?;
        Ok(())
    }
}

/// A submission that the node has not accepted is its sender's business alone: to the recipient there is none.
fn concerns(message: &Message, participant: Option<Edrpou>) -> bool {
    let unaccepted =
        matches!(message.standing(), MessageState::Announced | MessageState::Submitted | MessageState::Rejected);
    !unaccepted || participant == Some(message.sender)
}

/// One more than asked for tells whether there is a next page.
fn page(found: &[Message], limit: u32) -> MessagePage {
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let messages: Vec<_> = found.iter().take(page).map(Message::summary).collect();
    let next_after = messages.last().filter(|_| found.len() > page).map(|message| message.message_id);
    MessagePage { messages, next_after }
}
