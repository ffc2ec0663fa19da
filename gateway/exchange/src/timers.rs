//! What happens to messages although nobody does anything: a recipient is reminded, a term passes, an announcement lapses.
//!
//! The row says when it must be looked at (`due_at`); the state says what is due. Two processes may look at once: each step
//! names the number of the one before, so one of them finds that the message has moved.

use audit::Action;
use schemas::ProblemCode;
use schemas::message::{MessageState, State, Term};
use storage::{StoreError, TxError};
use time::OffsetDateTime;

use crate::edge::{self, Deed, Edge, NoEdge};
use crate::message::Message;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables;

/// A message was not taken on: somebody else did, or the store failed.
enum NotTaken {
    Moved,
    Store(StoreError),
}

impl From<StoreError> for NotTaken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Exchange {
    /// One round: takes up to `limit` messages on whose time has come, the longest due first. Returns how many were looked
    /// at: less than `limit` means that nothing more is due.
    ///
    /// # Errors
    /// When the store fails. A message that cannot be taken on holds up no other.
    pub async fn timer_round(&self, limit: u32) -> Result<usize, StoreError> {
        let now = self.inner.clock.now();
        let due = self.inner.ledger.reader().read("due_messages", move |tx| tables::due(tx, now, limit)).await?;
        for message in &due {
            match self.time_has_come(message, now) {
                Ok(edge) => self.take_on(edge).await?,
                Err(error) => tracing::error!(message = %message.id, %error, "a message is due and cannot be taken on"),
            }
        }
        Ok(due.len())
    }

    fn time_has_come(&self, message: &Message, now: OffsetDateTime) -> Result<Edge, NoEdge> {
        let details = serde_json::json!({ "state": message.standing() });
        match &message.state {
            Some(State::Consigned(term) | State::Notified(term) | State::HandedOver(term)) if term.until > now => {
                self.reminder(message, *term)
            }
            Some(State::Announced { .. } | State::Submitted { .. }) => {
                let reason = match message.standing() {
                    MessageState::Announced => ProblemCode::AnnouncementLapsed,
                    _ => ProblemCode::SignerStatusUnknown,
                };
                let step = Step::Reject { reason: reason.as_str().to_owned() };
                self.edge(message, &step, Deed::of_node(Action::ExpireMessage, details))
            }
            _ => self.edge(message, &Step::Expire, Deed::of_node(Action::ExpireMessage, details)),
        }
    }

    /// A reminder fell due. Nobody here can be told of it yet: that is stated (D.4), and the day is counted.
    fn reminder(&self, message: &Message, term: Term) -> Result<Edge, NoEdge> {
        let reminders = term.reminders.saturating_add(1);
        let details = serde_json::json!({ "reminder": reminders });
        self.edge(message, &Step::NotifyFailure { reminders }, Deed::of_node(Action::RemindRecipient, details))
    }

    async fn take_on(&self, edge: Edge) -> Result<(), StoreError> {
        let kind = edge.evidence.kind;
        let taken = self.inner.ledger.transact("message_due", move |tx| {
            let appended = edge::take(tx, &edge, None)?.ok_or(NotTaken::Moved)?;
            Ok::<_, NotTaken>(appended.with(()))
        });
        match taken.await {
            Ok(()) => {
                metrics::counter!("vuzol_messages_due_total", "evidence" => kind.code()).increment(1);
                Ok(())
            }
            Err(TxError::Refused(NotTaken::Moved)) => Ok(()),
            Err(TxError::Refused(NotTaken::Store(error)) | TxError::Store(error)) => Err(error),
        }
    }
}
