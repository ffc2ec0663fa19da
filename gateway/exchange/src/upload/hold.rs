//! An announced submission whose signatures wait for a fact: its parts become the message's at once, sealed to the recipient,
//! and V.2 is stated instead of A.1.

use access::Permit;
use access::decide::CompleteSubmission;
use schemas::ProblemCode;
use schemas::message::{HeldReceipt, Part};
use storage::{StoreError, TxError};

use super::send::envelope_of;
use crate::edge;
use crate::hold::{self, Between, JOB_KIND, Waits};
use crate::intake::Taken;
use crate::message::Message;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::tables::{self, Announced, WaitingSignatures};

impl Exchange {
    /// Holds a submission that is complete, where its channel waits for what it was refused for; None where it does not.
    pub(super) async fn hold_announced(
        &self,
        permit: &Permit<CompleteSubmission>,
        announced: &Announced,
        parts: &[Part],
        missing: &Refusal,
    ) -> Result<Option<Taken>, Refusal> {
        let message = Message { parts: parts.to_vec(), ..announced.message.clone() };
        let between = Between { sender: message.sender, recipient: &message.recipient, kind: &message.kind };
        let Some(until) = self.patience(&between).await? else { return Ok(None) };
        let key = self.ring_key(announced)?;
        let to = self.seal_to(&envelope_of(&message)).await?;
        self.check_before_hold(message.recipient.participant(), &to).await?;
        let key_envelope = self.wrap_key(message.id, message.recipient.participant(), &key, &to)?;
        let encryption_certificate = to.certificate();
        let kept = self.kept_parts(message.id, parts).await?;
        let (key_of_hold, wrapped_key) = self.key_of_hold(message.id)?;
        let mut held = WaitingSignatures { wrapped_key, encryption_certificate, signatures: Vec::new() };
        let keeping = self.keep_parts(message.id, &key, &kept, &key_of_hold, &mut held.signatures).await;
        let objects = hold::objects(&held.signatures);
        let done = match keeping {
            Ok(()) => {
                let edge =
                    self.hold_edge(&message, &key_envelope, Waits { missing, until }, permit.actor().pseudonym());
                self.commit_held_upload(&message, edge, key_envelope, self.new_hold(held, until)).await
            }
            Err(refusal) => Err(refusal.into()),
        };
        match done {
            Ok(receipt) => Ok(Some(Taken::Held { receipt, replayed: false })),
            Err(failed) => {
                if failed.nothing_is_kept {
                    self.unstage(&objects).await;
                }
                // It was sent by two requests at once: this one hears what the other one heard.
                match failed.refusal.code {
                    ProblemCode::SubmissionSent => {
                        self.sent_and_held(permit).await?.map_or(Err(failed.refusal), |taken| Ok(Some(taken)))
                    }
                    _ => Err(failed.refusal),
                }
            }
        }
    }

    /// The step Hold, in one transaction in which the upload becomes the message's parts.
    async fn commit_held_upload(
        &self,
        message: &Message,
        edge: Result<edge::Edge, Refusal>,
        key_envelope: Vec<u8>,
        hold: tables::NewHold,
    ) -> Result<HeldReceipt, Failed> {
        let edge = edge?;
        let receipt = hold::receipt(&edge)?;
        let parts_json = serde_json::to_string(&message.parts).map_err(|_| Refusal::new(ProblemCode::Internal))?;
        let id = message.id;
        let committed = self.inner.ledger.transact("hold_announced", move |tx| {
            let superseded = tables::superseded_objects(tx, id)?;
            tables::adopt_upload(tx, &edge.message, &parts_json, Some(&key_envelope))?;
            let appended = edge::take(tx, &edge, None)?.ok_or(NotHeld::Moved)?;
            if !tables::insert_waiting(tx, &edge.message, JOB_KIND, &hold)? {
                return Err(NotHeld::Full);
            }
            Ok::<_, NotHeld>(appended.with(superseded))
        });
        match committed.await {
            Ok(superseded) => {
                self.unstage(&superseded).await;
                Ok(receipt)
            }
            Err(TxError::Refused(NotHeld::Moved)) => Err(Refusal::new(ProblemCode::SubmissionSent).into()),
            // It stays announced: it may be sent again when others are decided.
            Err(TxError::Refused(NotHeld::Full)) => Err(Refusal::new(ProblemCode::QuotaHeld).into()),
            Err(TxError::Refused(NotHeld::Store(error))) => Err(Refusal::from(error).into()),
            // As with an acceptance, the commit may have reached the disk.
            Err(TxError::Store(error)) => {
                let nothing_is_kept =
                    matches!(error, StoreError::Overloaded | StoreError::NoSpace | StoreError::Closed);
                Err(Failed { refusal: error.into(), nothing_is_kept })
            }
        }
    }
}

/// Why the transaction of V.2 did not commit.
enum NotHeld {
    /// Somebody else was there first.
    Moved,
    /// As many of the sender's wait as may.
    Full,
    Store(StoreError),
}

impl From<StoreError> for NotHeld {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A submission was not held.
struct Failed {
    refusal: Refusal,
    /// No row can name the objects that were staged for it.
    nothing_is_kept: bool,
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, nothing_is_kept: true }
    }
}
