//! Refusals of the exchange.

use access::proposals::SameOperator;
use crypto::key::KeyError;
use schemas::{EventId, ProblemCode};
use storage::{StoreError, TxError};

use crate::key_ring::KeyRingError;

/// Why something was not done, and whether that is on record already.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What the caller is told.
    pub code: ProblemCode,
    /// What exactly, for the caller; never personal data.
    pub detail: Option<String>,
    /// Evidence A.2 SubmissionRejection, where a submission was refused: a JWS in compact form.
    pub evidence: Option<String>,
    /// The audited event where the row is already written. The door writes it otherwise.
    pub recorded: Option<EventId>,
    /// Nothing but a fact that may still arrive keeps a signature from passing (see [`crate::hold`]).
    pub(crate) waits: bool,
}

impl Refusal {
    /// A refusal that is not on record yet.
    pub(crate) fn new(code: ProblemCode) -> Self {
        Self { code, detail: None, evidence: None, recorded: None, waits: false }
    }

    pub(crate) fn with_detail(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::new(code) }
    }

    /// Whether it is the node that failed. Then there is nothing to state about the submission.
    pub(crate) fn is_failure_of_the_node(&self) -> bool {
        use ProblemCode as P;
        let codes =
            [P::Overloaded, P::StorageUnavailable, P::NoSpace, P::Internal, P::KeyUnavailable, P::EvidenceUnavailable];
        codes.contains(&self.code)
    }
}

impl From<ProblemCode> for Refusal {
    fn from(code: ProblemCode) -> Self {
        Self::new(code)
    }
}

impl From<SameOperator> for Refusal {
    fn from(_: SameOperator) -> Self {
        Self::new(ProblemCode::SameOperator)
    }
}

/// Logged here: behind this line only the code is left.
impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(match error {
            StoreError::Overloaded => ProblemCode::Overloaded,
            StoreError::NoSpace => ProblemCode::NoSpace,
            StoreError::Conflict | StoreError::Corrupt(_) => {
                tracing::error!(%error, "stored data is not as it must be");
                ProblemCode::Internal
            }
            StoreError::Database(_)
            | StoreError::UnknownSchema { .. }
            | StoreError::Objects(_)
            | StoreError::Closed
            | StoreError::OutcomeUnknown => {
                tracing::error!(%error, "storage failed");
                ProblemCode::StorageUnavailable
            }
        })
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        tracing::error!(%error, "evidence cannot be signed");
        Self::new(match error {
            KeyError::Unavailable => ProblemCode::EvidenceUnavailable,
            _ => ProblemCode::Internal,
        })
    }
}

impl From<KeyRingError> for Refusal {
    fn from(error: KeyRingError) -> Self {
        tracing::error!(code = error.code(), %error, "the key ring cannot be used");
        Self::new(match error {
            KeyRingError::UnknownKey(_) => ProblemCode::KeyDestroyed,
            _ => ProblemCode::KeyUnavailable,
        })
    }
}

impl<E: Into<Refusal>> From<TxError<E>> for Refusal {
    fn from(error: TxError<E>) -> Self {
        match error {
            TxError::Refused(error) => error.into(),
            TxError::Store(error) => error.into(),
        }
    }
}
