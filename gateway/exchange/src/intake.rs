//! A document arrives: hashed and sealed while it streams in, validated, committed in one transaction.
//!
//! Cheap refusals come first, before the document is read: another use of the idempotency key (of a small document that is found
//! out by the commit, since hardly any is a repeat), a signature that cannot be parsed or leads nowhere, a recipient that nothing can be sealed to, a case of others. Then the document streams through
//! once, in bounded memory whatever its size. What the answer depends on is durable before the answer leaves.
//!
//! Where the channel waits for a fact that is missing, what was read is held instead of refused (`hold`).
//!
//! A refusal after the permit leaves an audit row and evidence A.2, and nothing else: large parts are uploaded under a
//! name that becomes visible only after validation, and no row names them before the commit.

pub(crate) mod commit;
mod hold;
pub(crate) mod receive;
mod reject;

use access::Permit;
use access::decide::SubmitDocument;
use access::standing::NotReliable;
use audit::{Action, EventDraft, Outcome};
use bytes::Bytes;
use certs::certificate::Certificate;
use certs::path::VerifiedPath;
use crypto::digest::{DigestAlgorithm, Digester, sha256};
use crypto::seal::DocumentKey;
use futures_util::{Stream, StreamExt};
use schemas::limits::{
    DOCUMENT_BYTES, IDEMPOTENCY_HOURS, IDEMPOTENCY_KEY_CHARACTERS, INLINE_PART_BYTES, SIGNATURE_BYTES,
};
use schemas::message::{Envelope, HeldReceipt, MessageState, Part, PartRole, Receipt};
use schemas::scan::PartScan;
use schemas::{Edrpou, MessageId, ProblemCode};
use signing::validate::UnverifiedDocument;
use storage::ids::FreshId;
use time::{Duration, OffsetDateTime};

use crate::document_key::SealTo;
use crate::hold::{Between, SoFarLed};
use crate::message::object;
use crate::metadata;
use crate::refusal::Refusal;
use crate::screening::Screened;
use crate::service::Exchange;
use crate::signature;
use crate::tables::{self, StoredReceipt};
use commit::Sealed;
use receive::{Place, Receiving};
use reject::SoFar;

/// An `Idempotency-Key`: 1 to 64 visible ASCII characters, chosen by the sender, one for each submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub(crate) String);

impl IdempotencyKey {
    /// Reads a header's value; None where it is not of that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let well_formed = visible && (1..=IDEMPOTENCY_KEY_CHARACTERS).contains(&text.len());
        well_formed.then(|| Self(text.to_owned()))
    }
}

/// What comes before the document.
pub struct Submission {
    /// Who, where to, what.
    pub envelope: Envelope,
    /// Detached CMS over the document.
    pub signature: Vec<u8>,
    /// The sender's number of this submission.
    pub idempotency_key: IdempotencyKey,
    /// How many bytes come at most, the document among them, where that was said beforehand.
    pub announced: Option<u64>,
}

impl Submission {
    /// Whether it is cheaper to do a repeat's work again than to ask for every submission whether it is one: the commit finds it out.
    fn is_small(&self) -> bool {
        self.announced.is_some_and(|bytes| bytes <= length(INLINE_PART_BYTES))
    }
}

/// The node took responsibility.
#[derive(Debug)]
pub struct Accepted {
    /// What the sender keeps.
    pub receipt: Receipt,
    /// The same submission was accepted before; this is its receipt.
    pub replayed: bool,
}

/// What became of a submission that was not refused.
#[derive(Debug)]
pub enum Taken {
    /// The node took responsibility.
    Accepted(Accepted),
    /// A fact about its signatures is missing, and the channel has it wait: nothing is promised but that.
    Held {
        /// What the sender is told.
        receipt: HeldReceipt,
        /// The same submission was held before.
        replayed: bool,
    },
}

impl Taken {
    /// For metrics.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Accepted(Accepted { replayed: true, .. }) | Self::Held { replayed: true, .. } => "replayed",
            Self::Accepted(_) => "accepted",
            Self::Held { .. } => "held",
        }
    }
}

/// How a body stream breaks: the code says whether it was cut, too large, or too slow.
pub type BodyError = ProblemCode;

impl Exchange {
    /// Takes a submission in. On return it is durable: message, evidence A.1, audit row and delivery job.
    ///
    /// The same submission under the same key brings the same receipt again, also where the signer was revoked since; it
    /// is read to its end, since only its digest says that it is the same.
    ///
    /// # Errors
    /// [`Refusal`] with the code, evidence A.2 and the audited event; without them where the node itself failed.
    pub async fn intake<S>(
        &self,
        permit: Permit<SubmitDocument>,
        submission: Submission,
        mut document: S,
    ) -> Result<Taken, Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        let mut so_far = SoFar::default();
        let taken = match self.take_in(&permit, &submission, &mut document, &mut so_far).await {
            Err(refusal) if submission.is_small() && refusal.evidence.is_none() => {
                self.or_replayed(&permit, &submission, &mut document, &so_far, refusal).await
            }
            taken => taken,
        };
        match taken {
            Ok(taken) => {
                metrics::counter!("vuzol_submissions_total", "outcome" => taken.outcome()).increment(1);
                Ok(taken)
            }
            Err(refusal) => {
                metrics::counter!("vuzol_submissions_total", "outcome" => refusal.code.as_str()).increment(1);
                // What comes with evidence was rejected before; there is one A.2 of each submission.
                if refusal.evidence.is_some() {
                    return Err(refusal);
                }
                Err(self.reject(&permit, &submission, refusal, so_far).await)
            }
        }
    }

    async fn take_in<S>(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        document: &mut S,
        so_far: &mut SoFar,
    ) -> Result<Taken, Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        let envelope = &submission.envelope;
        let resource = permit.resource();
        if (envelope.sender, &envelope.recipient, &envelope.kind)
            != (resource.sender, &resource.recipient, &resource.kind)
        {
            tracing::error!("the door asked for a permit for another envelope");
            return Err(ProblemCode::Internal.into());
        }
        if submission.signature.len() > SIGNATURE_BYTES {
            return Err(ProblemCode::TooLarge.into());
        }
        if !submission.is_small()
            && let Some(earlier) = self.earlier(envelope.sender, &submission.idempotency_key).await?
        {
            let digest = read_only(document).await?;
            return self.replay(permit, submission, &digest, earlier).await;
        }
        let signature = signature::read(&submission.signature)?;
        if signature.is_attached() {
            let detail = "the signature carries its content; a detached one is needed";
            return Err(Refusal::with_detail(ProblemCode::SignatureFormat, detail));
        }
        let seal_to = self.seal_to(envelope).await?;
        self.check_case(envelope).await?;
        let most = self.most_bytes(envelope).await?;
        let signers = match self.signer_paths(&signature) {
            Ok(signers) => signers,
            Err(refusal) => {
                let so_far = SoFarLed::of(self, &signature, envelope.sender);
                self.paths_so_far(&Between::of(envelope), so_far, refusal).await?
            }
        };
        let signature_scan = self.screen_signature(submission, so_far).await?;

        let id = MessageId::fresh(self.inner.clock.now());
        let key = DocumentKey::generate();
        let place = Place { object_key: part_key(id, 0), context: seal_context(id, 0).to_vec() };
        let algorithms = signature.digest_algorithms();
        let receiving = Receiving::new(&self.inner.objects, place, &key, &algorithms, most)
            .screened(self.screen(envelope, PartRole::Document).await?);
        so_far.begun = true;
        let received = receiving.read(document).await?;
        so_far.document = Some(received.part());
        if let Some(refusal) = received.stopped() {
            received.abort().await;
            return Err(refusal);
        }
        let signature = signature.with_detached(received.digests.clone());
        let checked = self.check_received(envelope, signature, &signers, &seal_to).await;
        let sealed = Sealed { id, key, received, seal_to, signature_scan };
        match checked {
            Ok(()) => self.commit(permit, submission, sealed).await,
            Err(refusal) => self.hold_or_refuse(permit, submission, sealed, refusal).await,
        }
    }

    /// What becomes of a small submission that is refused: where its key was used before, what a repeat hears, whatever else would
    /// be wrong with it now.
    async fn or_replayed<S>(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        document: &mut S,
        so_far: &SoFar,
        refusal: Refusal,
    ) -> Result<Taken, Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        let earlier = self.earlier(submission.envelope.sender, &submission.idempotency_key).await?;
        let Some(earlier) = earlier else { return Err(refusal) };
        let digest = match &so_far.document {
            Some(part) => digest_of(part)?,
            // It broke off, or was too long.
            None if so_far.begun => return Err(refusal),
            None => read_only(document).await?,
        };
        self.replay(permit, submission, &digest, earlier).await
    }

    /// What the scanner says of the signature file; it is looked at before the document is read.
    async fn screen_signature(&self, submission: &Submission, so_far: &mut SoFar) -> Result<Option<PartScan>, Refusal> {
        let Some(screen) = self.screen(&submission.envelope, PartRole::Signature).await? else { return Ok(None) };
        let Screened { mark, refusal } = screen.whole(&submission.signature).await;
        let Some(refusal) = refusal else { return Ok(Some(mark)) };
        so_far.signature = Some(commit::signature_part(submission, None, Some(mark)));
        Err(refusal)
    }

    /// What could not be checked before the document was read. What is known of revocation is asked for here and not
    /// before: a document may take an hour to arrive.
    async fn check_received(
        &self,
        envelope: &Envelope,
        signature: UnverifiedDocument,
        signers: &[VerifiedPath],
        seal_to: &SealTo,
    ) -> Result<(), Refusal> {
        let revocation = self.revocation(signers).await;
        let validated = self.judge(signature, &revocation)?;
        signature::signed_for(&validated, envelope.sender)?;
        self.check_seal_to(envelope.recipient.participant(), seal_to).await
    }

    /// What was accepted under this key before.
    pub(crate) async fn earlier(&self, sender: Edrpou, key: &IdempotencyKey) -> Result<Option<StoredReceipt>, Refusal> {
        let key = key.0.clone();
        let forgotten_before = forgotten_before(self.inner.clock.now());
        let reader = self.inner.ledger.reader();
        Ok(reader.read("stored_receipt", move |tx| tables::stored_receipt(tx, sender, &key, forgotten_before)).await?)
    }

    async fn replay(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        document: &[u8; 32],
        earlier: StoredReceipt,
    ) -> Result<Taken, Refusal> {
        if earlier.fingerprint != fingerprint(submission, document)? {
            return Err(ProblemCode::IdempotencyKeyReused.into());
        }
        let receipt = match earlier.outcome {
            Ok(receipt) => receipt,
            Err(ended) if ended.state == MessageState::Submitted => {
                let held = self.held_again(ended.message, permit.actor().pseudonym()).await?;
                // Decided between the two readings: the next repeat hears how.
                return held.ok_or_else(|| ProblemCode::Overloaded.into());
            }
            Err(ended) => return Err(ended.refusal()),
        };
        self.inner
            .ledger
            .record(EventDraft {
                action: Action::SubmitDocument,
                actor: permit.actor().pseudonym(),
                object: Some(object(receipt.message_id)),
                outcome: Outcome::Done,
                details: serde_json::json!({ "replayed": true }),
            })
            .await?;
        Ok(Taken::Accepted(Accepted { receipt, replayed: true }))
    }

    /// What can be told by the terms of the channel: metadata are as it demands them, and this is the largest document that it
    /// carries and the recipient takes.
    pub(crate) async fn most_bytes(&self, envelope: &Envelope) -> Result<u64, Refusal> {
        let Envelope { sender, recipient, kind, .. } = envelope;
        let policy = self.inner.registry.channel_policy(*sender, recipient, kind).await?;
        metadata::check(envelope, policy.as_ref())?;
        let taken = self.inner.registry.participant(recipient.participant()).await?;
        let bounds = [policy.map(|policy| policy.maximum_bytes), taken.map(|taken| taken.reception.maximum_bytes)];
        Ok(bounds.into_iter().flatten().fold(DOCUMENT_BYTES, u64::min))
    }

    /// The recipient's encryption certificate, as far as that can be told without asking anyone outside: it is there, in
    /// time, and leads to an anchor.
    pub(crate) async fn encryption_certificate(&self, envelope: &Envelope) -> Result<Certificate, Refusal> {
        let recipient = envelope.recipient.participant();
        if let Some(home) = self.inner.registry.home(recipient).await?
            && self.inner.relay.peer(&home).await?.is_none()
        {
            tracing::warn!(%recipient, home, "the registry names a node for the recipient that is no peer, or no more");
            return Err(ProblemCode::RecipientCannotReceive.into());
        }
        let certificate = self.inner.registry.encryption_certificate(recipient).await?;
        let certificate = certificate.ok_or(ProblemCode::RecipientCannotReceive)?;
        self.inner.encryption.path(&certificate, &[]).map_err(|reason| cannot_receive(recipient, &reason))?;
        Ok(certificate)
    }

    /// Nothing is sealed to a key that is reported lost, nor to one of which nobody knows.
    pub(crate) async fn check_encryption(&self, recipient: Edrpou, certificate: &Certificate) -> Result<(), Refusal> {
        let checked = self.inner.encryption.check(certificate, &[]).await;
        checked.map(drop).map_err(|reason| cannot_receive(recipient, &reason))
    }

    /// A case that goes on must be one between the same two participants. Whether it exists at all is nobody else's affair.
    pub(crate) async fn check_case(&self, envelope: &Envelope) -> Result<(), Refusal> {
        let Some(case) = envelope.case_id else { return Ok(()) };
        let parties = self.inner.ledger.reader().read("case_parties", move |tx| tables::case_parties(tx, case)).await?;
        let [sender, recipient] = [envelope.sender, envelope.recipient.participant()];
        let ours = parties
            .is_some_and(|[one, other]| (one, other) == (sender, recipient) || (one, other) == (recipient, sender));
        ours.then_some(()).ok_or_else(|| ProblemCode::UnknownCase.into())
    }
}

/// The operator is told what was tried; the caller, which certificate of the recipient is the matter.
fn cannot_receive(recipient: Edrpou, reason: &NotReliable) -> Refusal {
    tracing::warn!(%recipient, %reason, tried = reason.explain(), "nothing can be sealed to the recipient");
    let detail = match reason {
        NotReliable::OutsideValidity(_) => "the encryption certificate is outside its validity period",
        NotReliable::NoPath(_) => "the encryption certificate is not trusted",
        NotReliable::Revoked => "the encryption certificate is revoked",
        NotReliable::StatusUnknown(_) => return ProblemCode::RecipientStatusUnknown.into(),
    };
    Refusal::with_detail(ProblemCode::RecipientCannotReceive, detail)
}

/// Reads a replay to its end, keeping nothing.
pub(crate) async fn read_only<S>(document: &mut S) -> Result<[u8; 32], Refusal>
where
    S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
{
    let mut digester = Digester::new(DigestAlgorithm::Sha256);
    let mut size = 0_u64;
    while let Some(chunk) = document.next().await {
        let chunk = chunk?;
        size = size.saturating_add(length(chunk.len()));
        if size > DOCUMENT_BYTES {
            return Err(ProblemCode::TooLarge.into());
        }
        digester.update(&chunk);
    }
    digester.finish().as_bytes().try_into().map_err(|_| ProblemCode::Internal.into())
}

/// The digest of a part, as its row has it.
fn digest_of(part: &Part) -> Result<[u8; 32], Refusal> {
    let digest = crypto::digest::from_hex(&part.sha256).and_then(|digest| digest.try_into().ok());
    digest.ok_or_else(|| ProblemCode::Internal.into())
}

/// What makes two submissions the same: envelope, signature, document. Each is hashed by itself, so that no byte can move
/// from one into another.
fn fingerprint(submission: &Submission, document: &[u8; 32]) -> Result<[u8; 32], Refusal> {
    let envelope = serde_json::to_vec(&submission.envelope).map_err(|_| ProblemCode::Internal)?;
    Ok(sha256(&[sha256(&envelope), sha256(&submission.signature), *document].concat()))
}

/// The moment before which idempotency keys are forgotten.
pub(crate) fn forgotten_before(now: OffsetDateTime) -> OffsetDateTime {
    now - Duration::hours(i64::try_from(IDEMPOTENCY_HOURS).unwrap_or(i64::MAX))
}

/// What a sealed part is bound to: the message and the part's number.
pub(crate) fn seal_context(message: MessageId, part: u8) -> [u8; 17] {
    let mut context = [0; 17];
    let (id, number) = context.split_at_mut(16);
    id.copy_from_slice(message.as_bytes());
    number.copy_from_slice(&[part]);
    context
}

/// Where a part that comes in one request, or from another node, lies in the object store.
pub(crate) fn part_key(message: MessageId, part: u8) -> String {
    format!("{PARTS}{message}/{part}")
}

/// Prefix of the objects of this crate.
pub(crate) const PARTS: &str = "parts/";

/// The message and number in the key of a part or of a range of one, whose keys go on with `.` and a name of their own.
pub(crate) fn parse_part_key(key: &str) -> Option<(MessageId, u8)> {
    let (message, part) = key.strip_prefix(PARTS)?.split_once('/')?;
    let number = part.split_once('.').map_or(part, |(number, _)| number);
    Some((message.parse().ok()?, number.parse().ok()?))
}

pub(crate) fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
