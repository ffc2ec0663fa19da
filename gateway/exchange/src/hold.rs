//! Submissions whose signatures are INDETERMINATE (ETSI EN 319 102-1, 5.1.3) wait for the missing fact where their channel
//! says so: `ChannelPolicy::hold_hours`. Step V.2, a receipt that says "held, not accepted", and the message is its sender's affair
//! alone until the fact is there (A.1, D.1 or the relay, as with any other) or it is rejected (A.2). What is waited for says
//! [`fact`].
//!
//! **What is kept, and why the document is not needed.** The document is sealed to its recipient at once and in its final form, its
//! key too, or wrapped by the node's ring where the channel lets the node hold it ([`crate::document_key`]): while it waits the
//! node can open it as little as one that was accepted. A detached signature is over digests; with
//! these it is judged again without the document. So of each signature a second copy is kept, sealed under a key of its own, which
//! the node's ring wraps, with the digests of the part that it signs. Two other ways were thought of:
//!
//! 1. *Keep the document's key under the ring* until the decision, as an announced submission does until it is sent. No second copy, and
//!    the key is sealed to whatever certificate the recipient has then. But the node could open the document for up to thirty days.
//! 2. *Keep the signatures as they came.* They name people, and lie in backups for years.
//!
//! A node without a ring therefore holds nothing: it refuses at once, as where the channel does not wait. The copies go in the
//! transaction of the decision; a ring that is turned meanwhile is followed at each look.
//!
//! **What is asked again.** The signatures, by the trust and revocation of that day; whether the channel is still open and nobody is
//! suspended; whether the certificate that the document was sealed to, where there is one, is in good standing. That certificate is
//! kept beside the message, since the registry may name another one by then. Whether the node may hold the key, how large a document may be and which case it goes on with was settled at the
//! intake.
//!
//! **The looks.** A job, enqueued in the transaction of V.2, which pauses longer after each look and never longer than half an hour;
//! a process that dies in the middle loses its lease, and another one looks. The decision names the number of the step before, so
//! it is taken once whoever takes it. When the hours are over the timers reject the message, like everything else that
//! lapses, under the code of what was missing.
//!
//! **Repeats.** The same submission under the same key brings the same answer for as long as it waits, also past the week in
//! which keys are remembered otherwise; afterwards the receipt, or the refusal with its A.2.
//!
//! **How many.** Of one sender no more than `HELD_SUBMISSIONS`; counted in the transaction of V.2, by an index.
//!
//! **What comes by relay does not wait here.** The node that it comes from has accepted it (A.1) and judged the signatures by then;
//! this node takes that statement over and judges none. A held submission to another node waits at the first.

mod fact;
mod keep;

use access::Permit;
use access::decide::CompleteSubmission;
use audit::{Action, EventDraft, Outcome};
use certs::certificate::Certificate;
use certs::path::VerifiedPath;
use futures_util::future::join_all;
use schemas::message::{HeldReceipt, MessageState, State};
use schemas::{Edrpou, JobId, MailboxId, MessageId, ProblemCode};
use signing::validate::UnverifiedDocument;
use storage::ids::FreshId;
use storage::jobs::{self, Job};
use storage::{StoreError, TxError};
use time::{Duration, OffsetDateTime};

use crate::document_key::{SealTo, note_holder};
use crate::edge::{self, Deed, Edge};
use crate::intake::Taken;
use crate::key_ring::KeyRing;
use crate::message::{Message, digests, object};
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::signature::{self, Tally};
use crate::state::Step;
use crate::tables::{self, HeldMessage, NewHold, WaitingSignatures};
use crate::upload::{Acceptance, WrappedKey};

pub(crate) use fact::may_arrive;
pub(crate) use keep::{Judgeable, objects};

/// The kind of the jobs that look again.
pub(crate) const JOB_KIND: &str = "hold";

/// How long a look may take before another process looks: signatures of a hundred parts, each with an answer from outside.
const JOB_LEASE: Duration = Duration::minutes(5);

/// Before the first look.
const FIRST_PAUSE: Duration = Duration::seconds(30);

/// The longest pause between two looks. Lists come by the hour; half of one is what a sender waits in vain at the most.
const LONGEST_PAUSE: Duration = Duration::minutes(30);

/// Whether a look settled something.
enum Looked {
    /// Nothing is left to do.
    Settled,
    /// The fact is still missing, or something failed that may go well next time.
    Waits(Refusal),
}

/// A decision was not taken: somebody else took one, or the store failed.
enum NotTaken {
    Moved,
    Store(StoreError),
}

impl From<StoreError> for NotTaken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Of a submission what the channel's policy depends on.
pub(crate) struct Between<'a> {
    pub(crate) sender: Edrpou,
    pub(crate) recipient: &'a MailboxId,
    pub(crate) kind: &'a schemas::DocumentKind,
}

/// What a submission waits for, and until when.
#[derive(Clone, Copy)]
pub(crate) struct Waits<'a> {
    pub(crate) missing: &'a Refusal,
    pub(crate) until: OffsetDateTime,
}

/// Of a document some of whose signers lead nowhere: the paths of the others, and whether one says to be the sender's.
pub(crate) struct SoFarLed {
    paths: Vec<VerifiedPath>,
    claimed: bool,
}

impl SoFarLed {
    pub(crate) fn of(exchange: &Exchange, document: &UnverifiedDocument, sender: Edrpou) -> Self {
        Self { paths: exchange.known_paths(document).0, claimed: signature::claims(document, sender) }
    }
}

impl Exchange {
    /// Until when a submission over this channel would wait; None where it does not, or the node has no key ring.
    pub(crate) async fn patience(&self, between: &Between<'_>) -> Result<Option<OffsetDateTime>, StoreError> {
        let Between { sender, recipient, kind } = *between;
        let policy = self.inner.registry.channel_policy(sender, recipient, kind).await?;
        let hours = policy.map_or(0, |policy| policy.hold_hours);
        if hours == 0 {
            return Ok(None);
        }
        if self.inner.ring.is_none() {
            tracing::warn!(%sender, %recipient, "the channel has submissions wait, and the node has no key ring");
            return Ok(None);
        }
        Ok(Some(self.inner.clock.now() + Duration::hours(i64::from(hours))))
    }

    /// Paths of the signers as far as there are any, for a document that may wait for the others; elsewhere `refusal`, and the
    /// document is not read.
    pub(crate) async fn paths_so_far(
        &self,
        between: &Between<'_>,
        led: SoFarLed,
        refusal: Refusal,
    ) -> Result<Vec<VerifiedPath>, Refusal> {
        let may_wait = led.claimed && self.patience(between).await?.is_some();
        if may_wait { Ok(led.paths) } else { Err(refusal) }
    }

    /// What is asked of the recipient's certificate before a submission waits: that nobody reports its key lost. Whether it is in good
    /// standing may be as unknown as it is of the signer, since one responder often answers for both; the decision asks again.
    pub(crate) async fn check_before_hold(&self, recipient: Edrpou, to: &SealTo) -> Result<(), Refusal> {
        match self.check_seal_to(recipient, to).await {
            Err(refusal) if refusal.code == ProblemCode::RecipientStatusUnknown => Ok(()),
            checked => checked,
        }
    }

    /// The step V.2 of a message, by its sender's deed.
    pub(crate) fn hold_edge(
        &self,
        message: &Message,
        key_envelope: &[u8],
        waits: Waits<'_>,
        actor: String,
    ) -> Result<Edge, Refusal> {
        let Waits { missing, until } = waits;
        let mut details = serde_json::json!({
            "recipient": &message.recipient,
            "kind": &message.kind,
            "parts": digests(&message.parts),
            "held_for": missing.code.as_str(),
        });
        note_holder(&mut details, KeyRing::is_envelope(key_envelope));
        let step = Step::Hold { missing: missing.code.as_str().to_owned(), until };
        Ok(self.edge(message, &step, Deed::of(Action::SubmitDocument, actor, details))?)
    }

    /// What the transaction of V.2 writes beside the step.
    pub(crate) fn new_hold(&self, kept: WaitingSignatures, until: OffsetDateTime) -> NewHold {
        let now = self.inner.clock.now();
        NewHold { kept, until, job: JobId::fresh(now), first_look: now + FIRST_PAUSE }
    }

    /// What a repeat of a submission that waits hears: the same again. None where it waits no more.
    pub(crate) async fn held_again(&self, id: MessageId, actor: String) -> Result<Option<Taken>, Refusal> {
        let found = self.inner.ledger.reader().read("held_receipt", move |tx| tables::held_receipt(tx, id)).await?;
        let Some(receipt) = found else { return Ok(None) };
        let draft = EventDraft {
            action: Action::SubmitDocument,
            actor,
            object: Some(object(id)),
            outcome: Outcome::Done,
            details: serde_json::json!({ "replayed": true, "held": true }),
        };
        self.inner.ledger.record(draft).await?;
        Ok(Some(Taken::Held { receipt, replayed: true }))
    }

    /// The same for a submission in several requests.
    pub(crate) async fn sent_and_held(&self, permit: &Permit<CompleteSubmission>) -> Result<Option<Taken>, Refusal> {
        self.held_again(permit.resource().message, permit.actor().pseudonym()).await
    }

    /// One round: leases up to `limit` due jobs and looks at their messages again, side by side. Returns how many were leased:
    /// less than `limit` means that nothing more is due.
    ///
    /// # Errors
    /// When jobs cannot be leased. A message that fails is looked at again later and holds up no other.
    pub async fn hold_round(&self, limit: u32) -> Result<usize, StoreError> {
        let now = self.inner.clock.now();
        let due = jobs::claim(&self.inner.jobs, JOB_KIND, limit, JOB_LEASE, now).await?;
        join_all(due.iter().map(|job| self.look_at_job(job))).await;
        Ok(due.len())
    }

    async fn look_at_job(&self, job: &Job) {
        let looked = match MessageId::from_bytes(&job.subject) {
            Ok(id) => self.look(id).await,
            Err(_) => Err(StoreError::Corrupt("jobs.subject").into()),
        };
        let next = self.inner.clock.now() + pause(job.attempts);
        let done = match looked {
            Ok(Looked::Settled) => self.end_look(job).await,
            Ok(Looked::Waits(refusal)) => {
                tracing::info!(job = %job.id, attempts = job.attempts, code = refusal.code.as_str(), "still waits");
                jobs::release(&self.inner.jobs, job, next).await
            }
            Err(refusal) => {
                tracing::warn!(job = %job.id, attempts = job.attempts, code = refusal.code.as_str(), "a look failed");
                jobs::release(&self.inner.jobs, job, next).await
            }
        };
        if let Err(error) = done {
            // Its lease runs out, and another round finds it.
            tracing::warn!(job = %job.id, %error, "a job cannot be given back");
        }
    }

    /// Ends a job whose work is done. No deed, so no audit row.
    async fn end_look(&self, job: &Job) -> Result<(), StoreError> {
        let job = job.clone();
        let ended = self.inner.jobs.run_tx("end_look", move |tx| jobs::complete(tx, &job));
        ended.await.map(drop).map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })
    }

    /// Judges the message anew, and decides where that can be told now.
    async fn look(&self, id: MessageId) -> Result<Looked, Refusal> {
        let found = self.inner.ledger.reader().read("held", move |tx| tables::waiting(tx, id)).await?;
        let Some(held) = found else { return Ok(Looked::Settled) };
        let HeldMessage { message, key_is_gone, kept } = held;
        let Some(State::Submitted { until, .. }) = &message.state else { return Ok(Looked::Settled) };
        // From here on it is the timers'.
        if *until <= self.inner.clock.now() {
            return Ok(Looked::Settled);
        }
        let judged =
            if key_is_gone { Err(ProblemCode::KeyDestroyed.into()) } else { self.judge_held(&message, &kept).await };
        match judged {
            Ok(()) => self.accept_held(message, &kept).await,
            Err(refusal) if settles(&refusal) => self.reject_held(message, &refusal).await,
            Err(refusal) => Ok(Looked::Waits(refusal)),
        }
    }

    async fn judge_held(&self, message: &Message, held: &WaitingSignatures) -> Result<(), Refusal> {
        let (key, rewrapped) = self.reopen(message.id, held)?;
        if let Some(new) = rewrapped {
            self.follow_the_ring(message.id, held.wrapped_key.clone(), new).await?;
        }
        let mut tally = Tally::default();
        for kept in &held.signatures {
            let document = signature::read(&self.open_kept(message.id, &key, kept).await?)?;
            let judged = self.judge_detached(document, keep::digests(kept)?, message.sender).await;
            tally.add(kept.number, kept.of, judged)?;
        }
        let contents = message.parts.iter().filter(|part| part.role != schemas::message::PartRole::Signature);
        tally.finish(contents.map(|part| part.number))?;
        // What an operator may have changed while it waited.
        self.open_way(message.sender, &message.recipient, &message.kind).await?;
        let Some(certificate) = &held.encryption_certificate else { return Ok(()) };
        let certificate =
            Certificate::from_der(certificate).map_err(|_| StoreError::Corrupt("held.encryption_certificate"))?;
        self.check_encryption(message.recipient.participant(), &certificate).await
    }

    /// Bookkeeping of the same secret, and so no deed.
    async fn follow_the_ring(&self, id: MessageId, old: Vec<u8>, new: Vec<u8>) -> Result<(), Refusal> {
        let moved = self.inner.jobs.run_tx("rewrap_held", move |tx| tables::rewrap_held(tx, id, &old, &new));
        moved.await.map(drop).map_err(|error: TxError<StoreError>| match error {
            TxError::Refused(error) | TxError::Store(error) => error.into(),
        })
    }

    async fn accept_held(&self, message: Message, kept: &WaitingSignatures) -> Result<Looked, Refusal> {
        let key = WrappedKey::InItsRow { by_the_ring: kept.encryption_certificate.is_none() };
        let acceptance = Acceptance { message, key, actor: NODE.to_owned() };
        match self.accept(acceptance).await {
            Ok(_) => {
                metrics::counter!("vuzol_held_total", "outcome" => "accepted").increment(1);
                Ok(Looked::Settled)
            }
            // Another process, or the timers, were first and rejected it.
            Err(refusal) if refusal.evidence.is_some() => Ok(Looked::Settled),
            Err(refusal) => Ok(Looked::Waits(refusal)),
        }
    }

    async fn reject_held(&self, message: Message, refusal: &Refusal) -> Result<Looked, Refusal> {
        let details = serde_json::json!({
            "recipient": &message.recipient, "kind": &message.kind, "parts": digests(&message.parts), "held": true,
        });
        let deed = Deed { outcome: Outcome::Refused(refusal.code), ..Deed::of_node(Action::SubmitDocument, details) };
        let edge = self.edge(&message, &Step::Reject { reason: refusal.code.as_str().to_owned() }, deed)?;
        let id = message.id;
        let rejected = self.inner.ledger.transact("reject_held", move |tx| {
            let objects = tables::kept_objects(tx, id)?;
            let appended = edge::take(tx, &edge, None)?.ok_or(NotTaken::Moved)?;
            Ok::<_, NotTaken>(appended.with(objects))
        });
        match rejected.await {
            Ok(objects) => {
                metrics::counter!("vuzol_held_total", "outcome" => refusal.code.as_str()).increment(1);
                self.unstage(&objects).await;
                Ok(Looked::Settled)
            }
            Err(TxError::Refused(NotTaken::Moved)) => Ok(Looked::Settled),
            Err(TxError::Refused(NotTaken::Store(error)) | TxError::Store(error)) => Err(error.into()),
        }
    }
}

/// Whether a submission ends by it: neither a fact that is missing, nor what fails on the node's side.
fn settles(refusal: &Refusal) -> bool {
    !refusal.waits && !refusal.is_failure_of_the_node() && refusal.code != ProblemCode::RecipientStatusUnknown
}

/// Doubles with each look, from the first to the longest.
fn pause(attempts: u32) -> Duration {
    let doubled = 1_i32 << attempts.min(8);
    (FIRST_PAUSE * doubled).min(LONGEST_PAUSE)
}

/// What the sender is told of an edge V.2.
pub(crate) fn receipt(held: &Edge) -> Result<HeldReceipt, Refusal> {
    let message = &held.message;
    let Some(State::Submitted { missing, until }) = &message.state else { return Err(ProblemCode::Internal.into()) };
    Ok(HeldReceipt {
        message_id: message.id,
        state: MessageState::Submitted,
        accepted: false,
        missing: missing.clone(),
        until: *until,
        parts: message.parts.clone(),
        event_id: held.evidence.event,
        evidence: held.evidence.jws.clone(),
    })
}

/// Whose deed a decision is.
const NODE: &str = "node";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_an_hour() {
        let pauses: Vec<_> = [1, 2, 3, 6, 7, u32::MAX].map(|attempts| pause(attempts).whole_seconds()).to_vec();
        assert_eq!(pauses, [60, 120, 240, 1800, 1800, 1800]);
    }
}
