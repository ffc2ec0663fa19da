//! Where a message may go from where it stands.
//!
//! One pure function, [`apply`]; every step that it allows is proven by one piece of evidence, which states the state that
//! the message came to. So the evidence of a message, replayed by [`replay`], gives its state again, and evidence that does
//! not follow from what came before is found out. Final states absorb: a message that was refused is never delivered, one
//! that expired is never accepted; only its parts may still be erased.
//!
//! ```text
//! announce ── Announced ─┐
//!                        ├─ hold ── Submitted ─┬─ reject ── Rejected
//! one request ───────────┴─────────────────────┴─ accept ── Validated
//!
//! Validated ─┬─ consign ── Consigned ── notify ── Notified ── hand over ── HandedOver ─┬─ accept ── Accepted ── register ── Registered
//!            │                 └────────────┴──────── expire ── Expired                └─ refuse ── Refused
//!            ├─ route ── Queued ── attempt ── Relaying ─┬─ relay ── Relayed (the other node's outcome follows)
//!            │                          └─ RetryWait ───┴─ refused there, given up ── RelayFailed
//!            └─ quarantine ── Quarantined ── retry ── Validated
//! ```

use schemas::evidence::EvidenceKind;
use schemas::message::{MessageState, State, Term};
use time::OffsetDateTime;

/// What happens to a message, with what the state after it must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A sender announces a submission.
    Announce {
        /// It must be complete by then.
        until: OffsetDateTime,
    },
    /// The submission is complete, and a fact is missing.
    Hold {
        /// The code of what is missing.
        missing: String,
        /// It is waited for until then.
        until: OffsetDateTime,
    },
    /// The node accepts the submission.
    Accept,
    /// The node refuses the submission.
    Reject {
        /// Why, a code.
        reason: String,
    },
    /// The message is for another node.
    Route {
        /// Its name.
        peer: String,
    },
    /// A relay begins.
    Attempt,
    /// The relay did not succeed.
    Delay {
        /// Why, a code.
        reason: String,
        /// When the next one is due.
        until: OffsetDateTime,
    },
    /// The other node takes the message over.
    Relay,
    /// The other node refuses the message.
    RelayRefusal {
        /// Why, a code of that node.
        reason: String,
    },
    /// The other node could not be reached for too long.
    GiveUp {
        /// Why, a code.
        reason: String,
    },
    /// The message cannot be delivered as things are.
    Quarantine {
        /// Why, a code.
        reason: String,
    },
    /// Two operators have it delivered again.
    Retry,
    /// The message comes into the recipient's mailbox.
    Consign {
        /// Since when, and until when it must be accepted or refused. No reminders yet.
        term: Term,
    },
    /// The recipient was told, or reminded.
    Notify {
        /// Reminders that fell due, this one included: as many as before, or one more.
        reminders: u8,
    },
    /// The recipient could not be told.
    NotifyFailure {
        /// As with [`Step::Notify`].
        reminders: u8,
    },
    /// The recipient fetches it.
    HandOver,
    /// The recipient accepts it.
    AcceptContent,
    /// The recipient refuses it.
    RefuseContent {
        /// Why, in its words.
        reason: String,
    },
    /// The recipient enters it into its register.
    Register {
        /// The registration number.
        number: String,
        /// The registration date, `YYYY-MM-DD`.
        date: String,
    },
    /// The recipient lets the term pass.
    Expire,
    /// Keys and parts are destroyed.
    Erase,
}

impl Step {
    /// The evidence that the step leaves.
    #[must_use]
    pub fn evidence(&self) -> EvidenceKind {
        match self {
            Self::Announce { .. } => EvidenceKind::SubmissionAnnouncement,
            Self::Hold { .. } => EvidenceKind::SubmissionHold,
            Self::Accept => EvidenceKind::SubmissionAcceptance,
            Self::Reject { .. } => EvidenceKind::SubmissionRejection,
            Self::Route { .. } => EvidenceKind::RelayQueueing,
            Self::Attempt => EvidenceKind::RelayAttempt,
            Self::Delay { .. } => EvidenceKind::RelayDelay,
            Self::Relay => EvidenceKind::RelayAcceptance,
            Self::RelayRefusal { .. } => EvidenceKind::RelayRejection,
            Self::GiveUp { .. } => EvidenceKind::RelayFailure,
            Self::Quarantine { .. } => EvidenceKind::ContentConsignmentFailure,
            Self::Retry => EvidenceKind::ConsignmentRetry,
            Self::Consign { .. } => EvidenceKind::ContentConsignment,
            Self::Notify { .. } => EvidenceKind::ConsignmentNotification,
            Self::NotifyFailure { .. } => EvidenceKind::ConsignmentNotificationFailure,
            Self::HandOver => EvidenceKind::ContentHandover,
            Self::AcceptContent => EvidenceKind::ConsignmentAcceptance,
            Self::RefuseContent { .. } => EvidenceKind::ConsignmentRejection,
            Self::Register { .. } => EvidenceKind::ContentRegistration,
            Self::Expire => EvidenceKind::AcceptanceRejectionExpiry,
            Self::Erase => EvidenceKind::ContentErasure,
        }
    }

    /// The step that evidence of this kind proves, when the message came to `after` by it. None: that evidence cannot lead
    /// to such a state.
    #[must_use]
    pub fn proven(kind: EvidenceKind, after: &State) -> Option<Self> {
        use EvidenceKind as Kind;
        let step = match (kind, after.clone()) {
            (Kind::SubmissionAnnouncement, State::Announced { until }) => Self::Announce { until },
            (Kind::SubmissionHold, State::Submitted { missing, until }) => Self::Hold { missing, until },
            (Kind::SubmissionAcceptance, State::Validated) => Self::Accept,
            (Kind::SubmissionRejection, State::Rejected { reason }) => Self::Reject { reason },
            (Kind::RelayQueueing, State::Queued { peer }) => Self::Route { peer },
            (Kind::RelayAttempt, State::Relaying { .. }) => Self::Attempt,
            (Kind::RelayDelay, State::RetryWait { reason, until, .. }) => Self::Delay { reason, until },
            (Kind::RelayAcceptance, State::Relayed { .. }) => Self::Relay,
            (Kind::RelayRejection, State::RelayFailed { reason, .. }) => Self::RelayRefusal { reason },
            (Kind::RelayFailure, State::RelayFailed { reason, .. }) => Self::GiveUp { reason },
            (Kind::ContentConsignmentFailure, State::Quarantined { reason }) => Self::Quarantine { reason },
            (Kind::ConsignmentRetry, State::Validated) => Self::Retry,
            (Kind::ContentConsignment, State::Consigned(term)) => Self::Consign { term },
            (Kind::ConsignmentNotification, State::Notified(term) | State::HandedOver(term)) => {
                Self::Notify { reminders: term.reminders }
            }
            (
                Kind::ConsignmentNotificationFailure,
                State::Consigned(term) | State::Notified(term) | State::HandedOver(term),
            ) => Self::NotifyFailure { reminders: term.reminders },
            (Kind::ContentHandover, State::HandedOver(_)) => Self::HandOver,
            (Kind::ConsignmentAcceptance, State::Accepted) => Self::AcceptContent,
            (Kind::ConsignmentRejection, State::Refused { reason }) => Self::RefuseContent { reason },
            (Kind::ContentRegistration, State::Registered { number, date }) => Self::Register { number, date },
            (Kind::AcceptanceRejectionExpiry, State::Expired) => Self::Expire,
            (Kind::ContentErasure, State::Erased { .. }) => Self::Erase,
            _ => return None,
        };
        Some(step)
    }

    /// How far along the way the step starts at the earliest; see [`place`].
    fn origin(&self) -> u8 {
        match self {
            Self::Announce { .. } | Self::Hold { .. } | Self::Accept | Self::Reject { .. } => 0,
            Self::Route { .. } | Self::Consign { .. } | Self::Quarantine { .. } => 1,
            Self::Attempt | Self::Retry => 2,
            Self::Delay { .. } | Self::Relay | Self::RelayRefusal { .. } | Self::GiveUp { .. } => 3,
            Self::Notify { .. } | Self::NotifyFailure { .. } | Self::HandOver | Self::Expire => 4,
            Self::AcceptContent | Self::RefuseContent { .. } => 5,
            Self::Register { .. } => 6,
            Self::Erase => 7,
        }
    }
}

/// The step does not follow from the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongStep {
    /// The message has come to its end before.
    #[error("the message is in a final state")]
    Final,
    /// Another step must come first.
    #[error("another step comes first")]
    TooEarly,
    /// The step lies behind.
    #[error("the step was done before")]
    Behind,
}

/// The state after the step; `None` for a message that is not there yet.
///
/// # Errors
/// [`WrongStep`] where the step does not follow; the state is unchanged then.
pub fn apply(before: Option<&State>, step: &Step) -> Result<State, WrongStep> {
    let Some(state) = before else { return first(step) };
    let next = match (state, step) {
        (State::Announced { .. }, Step::Hold { missing, until }) => {
            State::Submitted { missing: missing.clone(), until: *until }
        }
        (State::Announced { .. } | State::Submitted { .. }, Step::Accept) => State::Validated,
        (State::Announced { .. } | State::Submitted { .. }, Step::Reject { reason }) => {
            State::Rejected { reason: reason.clone() }
        }
        (State::Quarantined { .. }, Step::Retry) => State::Validated,
        (_, Step::Route { .. } | Step::Attempt | Step::Delay { .. } | Step::Relay) => relay(state, step)?,
        (_, Step::RelayRefusal { .. } | Step::GiveUp { .. } | Step::Quarantine { .. }) => failed(state, step)?,
        (State::Accepted, Step::Register { number, date }) => {
            State::Registered { number: number.clone(), date: date.clone() }
        }
        // What is settled; and what waits in a mailbox, where its key is gone. Who has fetched it may still answer.
        (State::Consigned(_) | State::Notified(_), Step::Erase) => State::Erased { before: state.name() },
        (state, Step::Erase) if state.name().is_settled() && state.name() != MessageState::Erased => {
            State::Erased { before: state.name() }
        }
        _ => return mailbox(state, step),
    };
    Ok(next)
}

/// The first step of a message. One request may do what otherwise takes announcement and upload.
fn first(step: &Step) -> Result<State, WrongStep> {
    match step {
        Step::Announce { until } => Ok(State::Announced { until: *until }),
        Step::Hold { missing, until } => Ok(State::Submitted { missing: missing.clone(), until: *until }),
        Step::Accept => Ok(State::Validated),
        Step::Reject { reason } => Ok(State::Rejected { reason: reason.clone() }),
        _ => Err(WrongStep::TooEarly),
    }
}

/// On the way to another node.
fn relay(state: &State, step: &Step) -> Result<State, WrongStep> {
    match (state, step) {
        (State::Validated, Step::Route { peer }) => Ok(State::Queued { peer: peer.clone() }),
        (State::Queued { peer }, Step::Attempt) => Ok(State::Relaying { peer: peer.clone(), attempt: 1 }),
        (State::RetryWait { peer, attempt, .. }, Step::Attempt) => {
            Ok(State::Relaying { peer: peer.clone(), attempt: attempt.saturating_add(1) })
        }
        (State::Relaying { peer, attempt }, Step::Delay { reason, until }) => {
            Ok(State::RetryWait { peer: peer.clone(), attempt: *attempt, reason: reason.clone(), until: *until })
        }
        (State::Relaying { peer, .. }, Step::Relay) => Ok(State::Relayed { peer: peer.clone() }),
        _ => Err(wrong(state, step)),
    }
}

/// What does not go on by itself.
fn failed(state: &State, step: &Step) -> Result<State, WrongStep> {
    match (state, step) {
        (State::Relaying { peer, .. }, Step::RelayRefusal { reason })
        | (
            State::Relaying { peer, .. } | State::RetryWait { peer, .. } | State::Queued { peer },
            Step::GiveUp { reason },
        ) => Ok(State::RelayFailed { peer: peer.clone(), reason: reason.clone() }),
        (State::Validated | State::Queued { .. } | State::RetryWait { .. }, Step::Quarantine { reason }) => {
            Ok(State::Quarantined { reason: reason.clone() })
        }
        _ => Err(wrong(state, step)),
    }
}

/// In the recipient's mailbox, and what the recipient does; for a relayed message, what the other node says of it.
fn mailbox(state: &State, step: &Step) -> Result<State, WrongStep> {
    match (state, step) {
        (State::Validated, Step::Consign { term }) if term.reminders == 0 => Ok(State::Consigned(*term)),
        (
            State::Consigned(_) | State::Notified(_) | State::HandedOver(_),
            Step::Notify { .. } | Step::NotifyFailure { .. },
        ) => notified(state, step),
        (State::Consigned(term) | State::Notified(term), Step::HandOver) => Ok(State::HandedOver(*term)),
        (State::HandedOver(_) | State::Relayed { .. }, Step::AcceptContent) => Ok(State::Accepted),
        (State::HandedOver(_) | State::Relayed { .. }, Step::RefuseContent { reason }) => {
            Ok(State::Refused { reason: reason.clone() })
        }
        (State::Consigned(_) | State::Notified(_) | State::HandedOver(_) | State::Relayed { .. }, Step::Expire) => {
            Ok(State::Expired)
        }
        _ => Err(wrong(state, step)),
    }
}

/// A reminder is counted also where nobody could be told: its day has passed.
fn notified(state: &State, step: &Step) -> Result<State, WrongStep> {
    let counted = |term: &Term, reminders: u8| {
        let due = reminders == term.reminders || Some(reminders) == term.reminders.checked_add(1);
        due.then_some(Term { reminders, ..*term }).ok_or(WrongStep::TooEarly)
    };
    match (state, step) {
        (State::Consigned(term) | State::Notified(term), Step::Notify { reminders }) => {
            Ok(State::Notified(counted(term, *reminders)?))
        }
        (State::HandedOver(term), Step::Notify { reminders } | Step::NotifyFailure { reminders }) => {
            Ok(State::HandedOver(counted(term, *reminders)?))
        }
        (State::Consigned(term), Step::NotifyFailure { reminders }) => Ok(State::Consigned(counted(term, *reminders)?)),
        (State::Notified(term), Step::NotifyFailure { reminders }) => Ok(State::Notified(counted(term, *reminders)?)),
        _ => Err(wrong(state, step)),
    }
}

/// Why a step that is not allowed is not.
fn wrong(state: &State, step: &Step) -> WrongStep {
    let name = state.name();
    if name.is_final() {
        WrongStep::Final
    } else if place(name) < step.origin() {
        WrongStep::TooEarly
    } else {
        WrongStep::Behind
    }
}

/// How far along the way a state lies.
fn place(state: MessageState) -> u8 {
    match state {
        MessageState::Announced | MessageState::Submitted => 0,
        MessageState::Validated => 1,
        MessageState::Queued | MessageState::RetryWait | MessageState::Quarantined => 2,
        MessageState::Relaying => 3,
        MessageState::Consigned | MessageState::Notified => 4,
        MessageState::HandedOver => 5,
        // A relayed message is another node's: nothing but its outcome comes after.
        MessageState::Relayed | MessageState::Accepted => 6,
        MessageState::Rejected
        | MessageState::RelayFailed
        | MessageState::Registered
        | MessageState::Refused
        | MessageState::Expired
        | MessageState::Erased => 7,
    }
}

/// Evidence that does not tell one story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the evidence of step {step} is missing, or does not follow from what came before")]
pub struct Broken {
    /// Which step, from 1.
    pub step: u32,
}

/// The state that a message's evidence leads to: of each piece, in their order, the number of the step, the kind, and the
/// state that it states. None for no evidence.
///
/// # Errors
/// [`Broken`] at the first step that is missing or does not follow.
pub fn replay<'a>(evidence: impl IntoIterator<Item = (u32, EvidenceKind, &'a State)>) -> Result<Option<State>, Broken> {
    let mut state = None;
    for (step, (number, kind, stated)) in (1..).zip(evidence) {
        let taken = Step::proven(kind, stated).filter(|_| number == step).ok_or(Broken { step })?;
        let next = apply(state.as_ref(), &taken).map_err(|_| Broken { step })?;
        if next != *stated {
            return Err(Broken { step });
        }
        state = Some(next);
    }
    Ok(state)
}

#[cfg(test)]
mod tests;
