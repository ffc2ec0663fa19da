//! The recipient's side: list, lease, download, acknowledge; and what both sides may read.
//!
//! Who reads is on record before the answer leaves.

mod acknowledge;
mod download;

use access::Permit;
use access::decide::{CaseResource, LeaseMessages, ListMailbox, MessageResource, ReadCase, ReadMessage};
use audit::{Action, EventDraft, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::limits::{LEASE_MESSAGES, LEASE_SECONDS, PAGE_ITEMS};
use schemas::message::{
    CaseEvent, CaseEvents, Lease, LeaseRequest, LeasedMessage, MessagePage, MessageState, MessageSummary,
};
use schemas::{CaseId, LeaseToken, MessageId, ProblemCode};
use storage::StoreError;
use storage::ids::FreshId;
use time::Duration;

pub use download::PartDownload;

use crate::message::object;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::tables::{self, Leased};

impl Exchange {
    /// Facts for the decision over a message. None: there is no such message, which is 404 for everyone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn message_resource(&self, message: MessageId) -> Result<Option<MessageResource>, Refusal> {
        let parties =
            self.inner.ledger.reader().read("message_parties", move |tx| tables::parties(tx, message)).await?;
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
        let mut messages: Vec<_> = messages.await?.iter().map(|message| message.summary()).collect();
        let page = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = messages.len() > page;
        messages.truncate(page);
        let next_after = messages.last().filter(|_| more).map(|message| message.message_id);
        let details = serde_json::json!({ "state": state, "messages": messages.len() });
        self.record_read(Action::ListMailbox, permit.actor().pseudonym(), object, details).await?;
        Ok(MessagePage { messages, next_after })
    }

    /// Leases what waits in a mailbox, oldest first: until the lease expires no one else is offered it. What was leased is
    /// in the audit entry.
    ///
    /// # Errors
    /// `MalformedJson` where the request is out of bounds; otherwise when the store fails.
    pub async fn lease(&self, permit: Permit<LeaseMessages>, request: LeaseRequest) -> Result<Lease, Refusal> {
        let LeaseRequest { max_messages, seconds } = request;
        if !(1..=LEASE_MESSAGES).contains(&max_messages) || !(1..=LEASE_SECONDS).contains(&seconds) {
            let detail = format!("max_messages: 1 to {LEASE_MESSAGES}, seconds: 1 to {LEASE_SECONDS}");
            return Err(Refusal::with_detail(ProblemCode::MalformedJson, detail));
        }
        let now = self.inner.clock.now();
        let (token, until) = (LeaseToken::fresh(now), now + Duration::seconds(i64::from(seconds)));
        let (mailbox, actor) = (permit.resource().clone(), permit.actor().pseudonym());
        let ledger = self.inner.ledger.clone();
        let leased = self.inner.ledger.transact("lease_messages", move |tx| {
            let leased = tables::lease(tx, &mailbox, token, until, now, max_messages)?;
            // Here and not before: only now is it known what the entry must name.
            let ids: Vec<_> = leased.iter().map(|leased| leased.message.id).collect();
            let event = ledger.prepare(EventDraft {
                action: Action::LeaseMessages,
                actor: actor.clone(),
                object: Some(format!("mailbox:{mailbox}")),
                outcome: Outcome::Done,
                details: serde_json::json!({ "messages": ids, "seconds": seconds }),
            });
            Ok::<_, StoreError>(audit::append(tx, &event)?.with(leased))
        });
        let messages = leased.await?.into_iter().map(leased_message).collect();
        Ok(Lease { token, expires_at: until, messages })
    }

    /// How a message stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_message(&self, permit: Permit<ReadMessage>) -> Result<MessageSummary, Refusal> {
        let id = permit.resource().message;
        let message = self.inner.ledger.reader().read("read_message", move |tx| tables::read_message(tx, id)).await?;
        let message = message.ok_or(ProblemCode::NotFound)?;
        let details = serde_json::json!({ "state": message.state });
        self.record_read(Action::ReadMessage, permit.actor().pseudonym(), Some(object(id)), details).await?;
        Ok(message.summary())
    }

    /// All evidence of a case, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn case_events(&self, permit: Permit<ReadCase>) -> Result<CaseEvents, Refusal> {
        let case_id = permit.resource().case;
        let reader = self.inner.ledger.reader();
        let evidence = reader.read("case_evidence", move |tx| tables::case_evidence(tx, case_id)).await?;
        let details = serde_json::json!({ "events": evidence.len() });
        let object = Some(format!("case:{case_id}"));
        self.record_read(Action::ReadCase, permit.actor().pseudonym(), object, details).await?;
        let event = |evidence: crate::message::Evidence| CaseEvent {
            event_id: evidence.event,
            message_id: evidence.message,
            state: evidence.state,
            at: evidence.at,
            evidence_id: evidence.id,
            evidence: evidence.jws,
        };
        Ok(CaseEvents { case_id, events: evidence.into_iter().map(event).collect() })
    }

    /// The audit row of an answer that changes nothing.
    async fn record_read(
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

fn leased_message(leased: Leased) -> LeasedMessage {
    LeasedMessage {
        summary: leased.message.summary(),
        earlier_leases: u32::try_from(leased.lease_count.saturating_sub(1)).unwrap_or(u32::MAX),
        parts: leased.message.parts,
        key_envelope: STANDARD.encode(leased.key_envelope),
    }
}
