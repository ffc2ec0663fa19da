//! What happens to messages although nobody does anything: a recipient is reminded, a term passes, an announcement lapses, what
//! was waited for has not come; and what the destruction of a ring key has left in mailboxes comes to its end.
//!
//! The row says when it must be looked at (`due_at`); the state says what is due. Two processes may look at once: each step
//! names the number of the one before, so one of them finds that the message has moved.

use audit::{Action, EventDraft, Outcome};
use schemas::ProblemCode;
use schemas::message::{State, Term};
use storage::{StoreError, TxError};
use time::{Duration, OffsetDateTime};

use crate::edge::{self, Deed, Edge, NoEdge};
use crate::message::Message;
use crate::notices::Bells;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables;

/// How soon a message is looked at again whose reminder is still on its way when the next one is due.
const WAITING_LOOK: Duration = Duration::hours(1);

/// The term of a message whose recipient has time left. None: something else is due.
fn running(message: &Message, now: OffsetDateTime) -> Option<Term> {
    message.state.as_ref().and_then(State::term).filter(|term| term.until > now)
}

/// A message was not taken on: somebody else did, or the store failed.
enum NotTaken {
    Moved,
    /// The reminder was given before and is on its way.
    Waits,
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
        let gone = self.inner.ledger.reader().read("keyless_messages", move |tx| tables::keyless(tx, now, limit));
        for message in &gone.await? {
            match self.key_is_gone(message) {
                Ok(edge) => self.take_on(edge).await?,
                Err(error) => tracing::error!(message = %message.id, %error, "the end of a message cannot be stated"),
            }
        }
        let due = self.inner.ledger.reader().read("due_messages", move |tx| tables::due(tx, now, limit)).await?;
        for message in &due {
            if let Some(term) = running(message, now)
                && self.remind(message, term, now).await?
            {
                continue;
            }
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
                let reason = match &message.state {
                    Some(State::Submitted { missing, .. }) => missing.clone(),
                    _ => ProblemCode::AnnouncementLapsed.as_str().to_owned(),
                };
                let step = Step::Reject { reason };
                self.edge(message, &step, Deed::of_node(Action::ExpireMessage, details))
            }
            _ => self.edge(message, &Step::Expire, Deed::of_node(Action::ExpireMessage, details)),
        }
    }

    /// A reminder fell due, and the recipient wants to be told: the notice is given, and the day after is looked at next. The
    /// step is taken when the notice has come to its end (D.3, D.4). False where nobody is to be told.
    ///
    /// A step that comes between brings the state's own day back; then the notice is found to wait, and is not given twice.
    async fn remind(&self, message: &Message, term: Term, now: OffsetDateTime) -> Result<bool, StoreError> {
        let reminders = term.reminders.saturating_add(1);
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::RemindRecipient,
            actor: "node".to_owned(),
            object: Some(message.object()),
            outcome: Outcome::Done,
            details: serde_json::json!({ "reminder": reminders, "given": true }),
        });
        let Some(notice) = self.reminder_notice(message, reminders, &event) else { return Ok(false) };
        let counted = State::Consigned(Term { reminders, ..term });
        let next = self.inner.terms.due(&counted).unwrap_or(term.until).max(now + WAITING_LOOK).min(term.until);
        let (id, steps) = (message.id, message.steps);
        let given = self.inner.ledger.transact("give_reminder", move |tx| {
            if !tables::look_again(tx, id, steps, next)? {
                return Err(NotTaken::Moved);
            }
            if tables::reminder_waits(tx, id, reminders)? {
                return Err(NotTaken::Waits);
            }
            tables::insert_notices(tx, id, std::slice::from_ref(&notice))?;
            Ok(audit::append(tx, &event)?.with(()))
        });
        match given.await {
            Ok(()) => self.inner.noticed.notify_one(),
            Err(TxError::Refused(NotTaken::Moved)) => {}
            // No deed, so no audit row: only the day moves on.
            Err(TxError::Refused(NotTaken::Waits)) => self.look_again(message, next).await?,
            Err(TxError::Refused(NotTaken::Store(error)) | TxError::Store(error)) => return Err(error),
        }
        Ok(true)
    }

    async fn look_again(&self, message: &Message, next: OffsetDateTime) -> Result<(), StoreError> {
        let (id, steps) = (message.id, message.steps);
        let moved = self.inner.jobs.run_tx("look_again", move |tx| tables::look_again(tx, id, steps, next));
        moved.await.map(drop).map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })
    }

    /// A reminder fell due, and nobody is to be told of it: that is stated (D.4), and the day is counted.
    fn reminder(&self, message: &Message, term: Term) -> Result<Edge, NoEdge> {
        let reminders = term.reminders.saturating_add(1);
        let details = serde_json::json!({ "reminder": reminders });
        self.edge(message, &Step::NotifyFailure { reminders }, Deed::of_node(Action::RemindRecipient, details))
    }

    async fn take_on(&self, edge: Edge) -> Result<(), StoreError> {
        let (kind, bells) = (edge.evidence.kind, Bells::of([&edge]));
        let taken = self.inner.ledger.transact("message_due", move |tx| {
            let appended = edge::take(tx, &edge, None)?.ok_or(NotTaken::Moved)?;
            Ok::<_, NotTaken>(appended.with(()))
        });
        match taken.await {
            Ok(()) => {
                metrics::counter!("vuzol_messages_due_total", "evidence" => kind.code()).increment(1);
                self.rings(&bells);
                Ok(())
            }
            Err(TxError::Refused(NotTaken::Moved | NotTaken::Waits)) => Ok(()),
            Err(TxError::Refused(NotTaken::Store(error)) | TxError::Store(error)) => Err(error),
        }
    }
}
