//! Quarantine: what could not be delivered, and the two operators who have it delivered again (V.6).

use access::Permit;
use access::decide::{ReadQuarantine, RetryMessage};
use access::proposals::{self, Proposed, Turn};
use audit::{Action, EventDraft, Outcome};
use schemas::limits::PAGE_ITEMS;
use schemas::message::MessageState;
use schemas::quarantine::{Quarantine, QuarantinedMessage, RetryOutcome};
use schemas::{JobId, MessageId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, TxError, jobs};

use crate::delivery::JOB_KIND;
use crate::edge::{self, Deed};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables;

/// What is proposed here.
const WHAT: &str = "retry_message";

/// How often an operator's word is weighed anew because another was faster.
const TRIES: u32 = 4;

/// Why the transaction did not commit.
enum NotDone {
    /// Another operator, or the message itself, was faster.
    Overtaken,
    Store(StoreError),
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Exchange {
    /// One page of the messages in quarantine, oldest first, and on the first page the dead notices.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn quarantined(
        &self,
        permit: Permit<ReadQuarantine>,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Quarantine, Refusal> {
        let limit = limit.clamp(1, PAGE_ITEMS);
        let now = self.inner.clock.now();
        let found = self.inner.ledger.reader().read("quarantine", move |tx| {
            let mut messages = Vec::new();
            for message in tables::quarantined(tx, after, limit + 1)? {
                let proposal = proposals::find(tx, WHAT, &message.id.to_string())?;
                messages.push((message, proposal.filter(|proposal| now < proposal.until)));
            }
            let dead = if after.is_none() { tables::dead_notices(tx)? } else { Vec::new() };
            Ok((messages, dead))
        });
        let (mut found, dead_notices) = found.await?;
        let page = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > page;
        found.truncate(page);
        let next_after = found.last().filter(|_| more).map(|(message, _)| message.id);
        let shown = |(message, proposal): (Message, Option<Proposed>)| QuarantinedMessage {
            message: message.summary(),
            proposal: proposal.as_ref().map(Proposed::shown),
        };
        let messages: Vec<_> = found.into_iter().map(shown).collect();
        let details = serde_json::json!({ "messages": messages.len(), "dead_notices": dead_notices.len() });
        self.record_read(Action::ReadQuarantine, permit.actor().pseudonym(), None, details).await?;
        Ok(Quarantine { messages, next_after, dead_notices })
    }

    /// An operator's word that a message in quarantine be delivered again: the first is a proposal, the second, of another
    /// operator within a day, is done.
    ///
    /// # Errors
    /// `NotFound`; `NotQuarantined`; `SameOperator`; otherwise when the store fails.
    pub async fn retry_message(&self, permit: Permit<RetryMessage>) -> Result<RetryOutcome, Refusal> {
        let id = *permit.resource();
        let subject = id.to_string();
        for _ in 0..TRIES {
            let name = subject.clone();
            let found = self.inner.ledger.reader().read("message_to_retry", move |tx| {
                Ok((tables::read_message(tx, id)?, proposals::find(tx, WHAT, &name)?))
            });
            let (message, proposed) = found.await?;
            let message = message.ok_or(ProblemCode::NotFound)?;
            if message.standing() != MessageState::Quarantined {
                return Err(ProblemCode::NotQuarantined.into());
            }
            let now = self.inner.clock.now();
            let done = match proposals::turn(proposed, WHAT, &subject, permit.actor(), now)? {
                Turn::Propose(new) => self.propose_retry(&permit, &message, new).await,
                Turn::Confirm(confirmed) => self.confirm_retry(&permit, &message, confirmed).await?,
            };
            match done {
                Ok(outcome) => return Ok(outcome),
                Err(TxError::Refused(NotDone::Overtaken)) => {}
                Err(TxError::Refused(NotDone::Store(error)) | TxError::Store(error)) => return Err(error.into()),
            }
        }
        Err(ProblemCode::Overloaded.into())
    }

    async fn propose_retry(
        &self,
        permit: &Permit<RetryMessage>,
        message: &Message,
        new: Proposed,
    ) -> Result<RetryOutcome, TxError<NotDone>> {
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::ProposeRetry,
            actor: permit.actor().pseudonym(),
            object: Some(message.object()),
            outcome: Outcome::Done,
            details: serde_json::json!({ "proposal": new.id }),
        });
        let (id, proposal) = (message.id, Some(new.shown()));
        self.inner
            .ledger
            .transact("propose_retry", move |tx| {
                // Two others may have proposed and confirmed since it was read: a word that comes after them is about nothing, and must not lie here
                // for the next time.
                let stands = tables::read_message(tx, id)?.map(|message| message.standing());
                if stands != Some(MessageState::Quarantined) || !proposals::write(tx, &new)? {
                    return Err(NotDone::Overtaken);
                }
                Ok(audit::append(tx, &event)?.with(()))
            })
            .await?;
        Ok(RetryOutcome { message_id: message.id, state: message.standing(), proposal })
    }

    /// Quarantined -> Validated, the proposal's end, and a carrier's job: one transaction.
    async fn confirm_retry(
        &self,
        permit: &Permit<RetryMessage>,
        message: &Message,
        confirmed: Proposed,
    ) -> Result<Result<RetryOutcome, TxError<NotDone>>, Refusal> {
        let details = serde_json::json!({ "proposal": confirmed.id, "proposed_by": confirmed.shown().proposed_by });
        let deed = Deed::of(Action::RetryMessage, permit.actor().pseudonym(), details);
        let edge = self.edge(message, &Step::Retry, deed)?;
        let outcome = RetryOutcome { message_id: message.id, state: edge.evidence.state, proposal: None };
        let job = JobId::fresh(edge.message.changed_at);
        let done = self.inner.ledger.transact("confirm_retry", move |tx| {
            if !proposals::end(tx, &confirmed)? {
                return Err(NotDone::Overtaken);
            }
            let appended = edge::take(tx, &edge, None)?.ok_or(NotDone::Overtaken)?;
            jobs::enqueue(tx, job, JOB_KIND, edge.message.id.as_bytes(), edge.message.changed_at)?;
            Ok(appended.with(()))
        });
        Ok(done.await.map(|()| {
            self.inner.arrived.notify_one();
            outcome
        }))
    }
}
