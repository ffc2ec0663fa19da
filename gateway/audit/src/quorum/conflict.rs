//! What contradicts the log, or a signature: kept as an object beside the log, `log/conflicts/<SHA-256 of the content>.json`, and put on record.

use crate::event::{Action, EventDraft, Outcome};
use crate::ledger::Ledger;
use crate::log::{Log, LogFailure};
use bytes::Bytes;
use crypto::digest::{hex, sha256};
use crypto::merkle::CosignatureVerifier;
use std::fmt;
use time::OffsetDateTime;

/// What a witness said that cannot be, and what it rests on.
pub(super) struct Conflict {
    pub(super) kind: Kind,
    /// The old size of the question.
    pub(super) old: u64,
    pub(super) status: u16,
    /// The beginning of the answer.
    pub(super) answer: String,
    /// The note that was submitted.
    pub(super) submitted: String,
    /// What the witness says that it cosigned last, where our key signed that.
    pub(super) held: Option<String>,
    /// Our own key signed something that this log does not continue: no word of the witness is needed to believe it.
    pub(super) proven: bool,
}

/// The kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A line of its key that does not verify.
    FalseSignature,
    /// It has cosigned more entries than the log has: the log was set back, or the witness lies.
    Ahead { told: u64 },
    /// Our proof from what it says that it cosigned does not convince it: the log is another one than it was, or the witness lies.
    OtherHistory,
    /// It has cosigned more in the life of this process than it now says: its memory was set back, and it may cosign a fork.
    Forgot { told: u64 },
}

impl Conflict {
    /// A stable code.
    pub(super) fn code(&self) -> &'static str {
        match self.kind {
            Kind::FalseSignature => "false_signature",
            Kind::Ahead { .. } => "ahead",
            Kind::OtherHistory => "other_history",
            Kind::Forgot { .. } => "forgot",
        }
    }

    pub(super) fn is_proven(&self) -> bool {
        self.proven
    }

    /// From where to go on with a witness that forgot: the conflict is on record, and its cosignature of a whole history is worth having again.
    pub(super) fn told(&self) -> Option<u64> {
        match self.kind {
            Kind::Forgot { told } => Some(told),
            _ => None,
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::FalseSignature => f.write_str("a witness signed falsely"),
            Kind::Ahead { told } => write!(f, "a witness has cosigned {told} entries, more than the log has"),
            Kind::OtherHistory => f.write_str("a witness has cosigned another history of the log"),
            Kind::Forgot { told } => write!(f, "a witness forgot what it cosigned, and says {told} entries"),
        }
    }
}

/// Keeps the evidence, then puts it on record.
pub(super) async fn record(
    log: &Log,
    ledger: &Ledger,
    witness: &CosignatureVerifier,
    conflict: &Conflict,
    at: OffsetDateTime,
) -> Result<(), LogFailure> {
    let told = match conflict.kind {
        Kind::Ahead { told } | Kind::Forgot { told } => Some(told),
        Kind::FalseSignature | Kind::OtherHistory => None,
    };
    let evidence = serde_json::json!({
        "witness": witness.vkey(),
        "at": at.unix_timestamp(),
        "kind": conflict.code(),
        "proven": conflict.proven,
        "old": conflict.old,
        "status": conflict.status,
        "answer": conflict.answer,
        "submitted": conflict.submitted,
        "held": conflict.held,
    });
    let bytes = evidence.to_string().into_bytes();
    let digest = hex(&sha256(&bytes));
    log.inner.tiles.objects.put_new(&format!("log/conflicts/{digest}.json"), Bytes::from(bytes)).await?;
    let draft = EventDraft {
        action: Action::WitnessConflict,
        actor: "node".to_owned(),
        object: Some(format!("witness:{}", witness.name())),
        outcome: Outcome::Done,
        details: serde_json::json!({
            "kind": conflict.code(),
            "told": told,
            "proven": conflict.proven,
            "evidence": digest,
        }),
    };
    ledger.record(draft).await?;
    Ok(())
}
