//! Edges: a step of a message with everything that its transaction writes.
//!
//! There is one way to change a message's state: [`Exchange::edge`] applies the step, prepares the audited event and signs
//! the evidence, all before the transaction; [`take`] writes the three together, or nothing where the message has moved
//! since it was read. So no state is without its evidence, no evidence without its audit row, and no step is taken twice:
//! each names the number of the one before.

use audit::{Action, Appended, Event, EventDraft, Outcome};
use crypto::digest::hex;
use crypto::key::KeyError;
use schemas::evidence::OtherEvidence;
use schemas::message::{MessageState, State};
use schemas::{EvidenceId, JobId, LeaseToken, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, Tx};
use time::OffsetDateTime;

use crate::message::{Evidence, Message, Stated};
use crate::notices::NewNotice;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::state::{Step, WrongStep, apply};
use crate::tables;

/// Who takes a step, and what the audit entry says of it beside the evidence's number.
pub(crate) struct Deed {
    /// What is done.
    pub(crate) action: Action,
    /// Whose deed it is, as a pseudonym.
    pub(crate) actor: String,
    /// Done, or refused with the code.
    pub(crate) outcome: Outcome,
    /// JSON object, committed to by the entry.
    pub(crate) details: serde_json::Value,
    /// The recipient's word, where the step rests on it.
    pub(crate) word: Option<Word>,
    /// Evidence of another node that the step rests on.
    pub(crate) rests_on: Option<OtherEvidence>,
}

/// What a recipient said, by its digest, and how it is known that the recipient said it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    /// SHA-256 of the acknowledgement as it came.
    pub(crate) sha256: [u8; 32],
    /// SHA-256 of the login certificate of the system that said it without a signature. None: the recipient signed.
    pub(crate) on_behalf_of: Option<[u8; 32]>,
}

impl Deed {
    /// A deed of the node itself.
    pub(crate) fn of_node(action: Action, details: serde_json::Value) -> Self {
        Self::of(action, "node".to_owned(), details)
    }

    /// A deed of somebody.
    pub(crate) fn of(action: Action, actor: String, details: serde_json::Value) -> Self {
        Self { action, actor, outcome: Outcome::Done, details, word: None, rests_on: None }
    }
}

/// A step, applied and signed: what the transaction writes.
pub(crate) struct Edge {
    /// The message after the step.
    pub(crate) message: Message,
    /// Its state as JSON.
    pub(crate) standing: String,
    /// When the state machine looks at it again.
    pub(crate) due: Option<OffsetDateTime>,
    /// The evidence.
    pub(crate) evidence: Evidence,
    /// The audit row.
    pub(crate) event: Event,
    /// Whom it is told to.
    pub(crate) notices: Vec<NewNotice>,
    /// The job that tells the node that the message came from, where it came from one.
    pub(crate) report: JobId,
}

/// Why there is no edge.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoEdge {
    /// The step does not follow from the message's state.
    #[error(transparent)]
    Wrong(#[from] WrongStep),
    /// The evidence key failed.
    #[error("evidence cannot be signed: {0}")]
    Signing(#[from] KeyError),
}

impl From<NoEdge> for Refusal {
    fn from(error: NoEdge) -> Self {
        match error {
            NoEdge::Wrong(WrongStep::TooEarly) => ProblemCode::NotHandedOver.into(),
            NoEdge::Wrong(WrongStep::Final | WrongStep::Behind) => ProblemCode::AlreadyFinal.into(),
            NoEdge::Signing(error) => error.into(),
        }
    }
}

impl Exchange {
    /// Applies the step to the message and signs what is stated of it.
    pub(crate) fn edge(&self, message: &Message, step: &Step, deed: Deed) -> Result<Edge, NoEdge> {
        let state = apply(message.state.as_ref(), step)?;
        let id = EvidenceId::fresh(self.inner.clock.now());
        let Deed { action, actor, outcome, mut details, word, rests_on } = deed;
        if let Some(details) = details.as_object_mut() {
            details.insert("evidence".to_owned(), id.to_string().into());
        }
        let event =
            self.inner.ledger.prepare(EventDraft { action, actor, object: Some(message.object()), outcome, details });
        let (kind, at) = (step.evidence(), event.at());
        let mut after = Message {
            state: Some(state.clone()),
            steps: message.steps.saturating_add(1),
            changed_at: at,
            ..message.clone()
        };
        if *step == Step::Accept {
            after.accepted_at = Some(at);
        }
        let stated = Stated { id, kind, node: self.inner.signer.node(), at, event: event.id() };
        let mut statement = after.statement(stated);
        statement.reason = reason(step);
        statement.acknowledgement_sha256 = word.map(|word| hex(&word.sha256));
        statement.on_behalf_of = word.and_then(|word| word.on_behalf_of).map(|certificate| hex(&certificate));
        statement.rests_on = rests_on;
        let jws = self.inner.signer.sign(&statement)?;
        let standing = serde_json::to_string(&state).map_err(|_| KeyError::OperationFailed)?;
        let due = self.inner.terms.due(&state);
        let notices = self.notices(&after, step, &event);
        let (message, step, state) = (after.id, after.steps, state.name());
        let evidence = Evidence { id, message, step, kind, state, at, event: event.id(), jws };
        let report = JobId::fresh(at);
        Ok(Edge { message: after, standing, due, evidence, event, notices, report })
    }
}

/// Writes the edge: state, evidence, audit row, notices, and the job that tells the node that the message came from; of what
/// is rejected the parts go, and of what is erased all content. None where the message has moved since it was read, `lease` does not
/// hold it, or a legal hold forbids its erasure: then nothing may be committed.
pub(crate) fn take(tx: &mut Tx<'_>, edge: &Edge, lease: Option<LeaseToken>) -> Result<Option<Appended>, StoreError> {
    let erases = edge.evidence.state == MessageState::Erased;
    if erases && tables::is_held(tx, edge.message.id)? {
        return Ok(None);
    }
    if !tables::step(tx, edge, lease)? {
        return Ok(None);
    }
    if edge.evidence.state == MessageState::Rejected {
        tables::erase_rejected(tx, edge.message.id)?;
    }
    if erases {
        tables::erase_content(tx, edge.message.id)?;
    }
    tables::insert_evidence(tx, &edge.evidence)?;
    tables::insert_notices(tx, edge.message.id, &edge.notices)?;
    tables::enqueue_report(tx, edge)?;
    audit::append(tx, &edge.event).map(Some)
}

/// Why, for those who read only the evidence's fields.
fn reason(step: &Step) -> Option<String> {
    match step {
        Step::Reject { reason }
        | Step::Delay { reason, .. }
        | Step::RelayRefusal { reason }
        | Step::GiveUp { reason }
        | Step::Quarantine { reason }
        | Step::RefuseContent { reason } => Some(reason.clone()),
        Step::Hold { missing, .. } => Some(missing.clone()),
        _ => None,
    }
}

/// The terms of this node: when a recipient is reminded.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Days after the consignment on which a recipient that neither accepted nor refused is reminded.
    pub reminders: Vec<u16>,
    /// Days after which a message expires where its channel says nothing else.
    pub expiry: u16,
}

impl Default for Terms {
    fn default() -> Self {
        Self { reminders: vec![3, 9, 14], expiry: 21 }
    }
}

impl Terms {
    /// When a state must be looked at again although nobody does anything.
    pub(crate) fn due(&self, state: &State) -> Option<OffsetDateTime> {
        match state {
            State::Announced { until } | State::Submitted { until, .. } => Some(*until),
            State::Consigned(term) | State::Notified(term) | State::HandedOver(term) => {
                let reminder = self.reminders.get(usize::from(term.reminders));
                let reminder = reminder.map(|days| term.since + time::Duration::days(i64::from(*days)));
                Some(reminder.map_or(term.until, |reminder| reminder.min(term.until)))
            }
            _ => None,
        }
    }
}
