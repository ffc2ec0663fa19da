//! Where a message may go from where it stands.
//!
//! One pure function, [`advance`]; every step that it allows is proven by exactly one kind of evidence. The states after
//! which nothing follows absorb: a message that was refused is never delivered, one that was accepted never expires.

use schemas::evidence::EvidenceKind;
use schemas::message::MessageState;

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The node accepts the submission.
    Accept,
    /// The node refuses the submission.
    Reject,
    /// Another node takes the message.
    Relay,
    /// The message comes into the recipient's mailbox.
    Consign,
    /// The recipient fetches it.
    HandOver,
    /// The recipient accepts it.
    AcceptContent,
    /// The recipient refuses it.
    RefuseContent,
    /// The recipient lets the term pass.
    Expire,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 8] = [
        Self::Accept,
        Self::Reject,
        Self::Relay,
        Self::Consign,
        Self::HandOver,
        Self::AcceptContent,
        Self::RefuseContent,
        Self::Expire,
    ];

    /// The evidence that the step leaves (ETSI EN 319 522-1).
    #[must_use]
    pub fn evidence(self) -> EvidenceKind {
        match self {
            Self::Accept => EvidenceKind::SubmissionAcceptance,
            Self::Reject => EvidenceKind::SubmissionRejection,
            Self::Relay => EvidenceKind::RelayAcceptance,
            Self::Consign => EvidenceKind::ContentConsignment,
            Self::HandOver => EvidenceKind::ContentHandover,
            Self::AcceptContent => EvidenceKind::ConsignmentAcceptance,
            Self::RefuseContent => EvidenceKind::ConsignmentRejection,
            Self::Expire => EvidenceKind::AcceptanceRejectionExpiry,
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

/// The state after the step.
///
/// # Errors
/// [`WrongStep`] where the step does not follow; the state is unchanged then.
pub fn advance(state: MessageState, step: Step) -> Result<MessageState, WrongStep> {
    use MessageState as State;
    match (state, step) {
        (State::Submitted, Step::Accept) => Ok(State::Queued),
        (State::Submitted, Step::Reject) => Ok(State::Rejected),
        (State::Queued, Step::Relay) => Ok(State::Relayed),
        (State::Queued, Step::Consign) => Ok(State::Consigned),
        (State::Consigned, Step::HandOver) => Ok(State::HandedOver),
        (State::HandedOver, Step::AcceptContent) => Ok(State::Accepted),
        (State::HandedOver, Step::RefuseContent) => Ok(State::Refused),
        (State::Consigned | State::HandedOver, Step::Expire) => Ok(State::Expired),
        // A relayed message is another node's; here nothing more happens to it.
        (State::Relayed, _) => Err(WrongStep::Behind),
        (state, _) if state.is_final() => Err(WrongStep::Final),
        (state, step) if place(state) < origin(step) => Err(WrongStep::TooEarly),
        _ => Err(WrongStep::Behind),
    }
}

/// How far along the way a state lies.
fn place(state: MessageState) -> u8 {
    match state {
        MessageState::Submitted => 0,
        MessageState::Queued => 1,
        MessageState::Relayed | MessageState::Consigned => 2,
        MessageState::HandedOver => 3,
        MessageState::Rejected
        | MessageState::Accepted
        | MessageState::Refused
        | MessageState::Expired
        | MessageState::Erased => 4,
    }
}

/// The place from which a step starts at the earliest.
fn origin(step: Step) -> u8 {
    match step {
        Step::Accept | Step::Reject => 0,
        Step::Relay | Step::Consign => 1,
        Step::HandOver | Step::Expire => 2,
        Step::AcceptContent | Step::RefuseContent => 3,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    const STATES: [MessageState; 10] = [
        MessageState::Submitted,
        MessageState::Rejected,
        MessageState::Queued,
        MessageState::Relayed,
        MessageState::Consigned,
        MessageState::HandedOver,
        MessageState::Accepted,
        MessageState::Refused,
        MessageState::Expired,
        MessageState::Erased,
    ];

    /// Every edge that there is; what is not in this table must be refused.
    const EDGES: [(&str, &str, &str); 9] = [
        ("submitted", "A.1", "queued"),
        ("submitted", "A.2", "rejected"),
        ("queued", "B.1", "relayed"),
        ("queued", "D.1", "consigned"),
        ("consigned", "E.1", "handed_over"),
        ("consigned", "C.5", "expired"),
        ("handed_over", "C.3", "accepted"),
        ("handed_over", "C.4", "refused"),
        ("handed_over", "C.5", "expired"),
    ];

    #[test]
    fn the_edges_are_exactly_these() {
        let expected: BTreeSet<_> = EDGES.into_iter().collect();
        let mut found = BTreeSet::new();
        for state in STATES {
            for step in Step::ALL {
                if let Ok(next) = advance(state, step) {
                    found.insert((state.as_str(), step.evidence().code(), next.as_str()));
                }
            }
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn final_states_absorb() {
        for state in STATES.into_iter().filter(|state| state.is_final()) {
            for step in Step::ALL {
                assert_eq!(advance(state, step), Err(WrongStep::Final), "{state:?} {step:?}");
            }
        }
    }

    #[test]
    fn each_step_has_evidence_of_its_own() {
        let kinds: HashSet<_> = Step::ALL.into_iter().map(Step::evidence).collect();
        assert_eq!(kinds.len(), Step::ALL.len());
    }

    #[test]
    fn a_wrong_step_says_whether_it_comes_too_early() {
        assert_eq!(advance(MessageState::Consigned, Step::AcceptContent), Err(WrongStep::TooEarly));
        assert_eq!(advance(MessageState::Queued, Step::HandOver), Err(WrongStep::TooEarly));
        assert_eq!(advance(MessageState::HandedOver, Step::Consign), Err(WrongStep::Behind));
        assert_eq!(advance(MessageState::Relayed, Step::Consign), Err(WrongStep::Behind));
    }
}
